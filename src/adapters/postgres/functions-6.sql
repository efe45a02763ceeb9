-- When the next waiting task of these queues is or was due; null for never. Paused queues do not count.
CREATE FUNCTION stem.next_due(_queues integer[]) RETURNS bigint
  LANGUAGE plpgsql STABLE
  SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
  SET jit = off
AS $$
BEGIN
  RETURN (
    SELECT min(first.due) FROM unnest(_queues) AS open (queue) CROSS JOIN generate_series(0, 9) AS r (rank)
    CROSS JOIN LATERAL (
      SELECT t.due FROM stem.tasks t
      WHERE t.queue = open.queue AND t.rank = r.rank AND t.renewed IS NULL AND t.until IS NULL
        AND NOT (SELECT q.paused FROM stem.queues q WHERE q.queue = open.queue)
      ORDER BY t.due, t.seq LIMIT 1
    ) AS first
  );
END $$;

-- Whether something is left of what a reserve has leased.
CREATE FUNCTION stem.is_held(_lease stem.leases) RETURNS boolean
  LANGUAGE plpgsql STABLE
  SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
  SET jit = off
AS $$
BEGIN
  RETURN EXISTS (
    SELECT FROM stem.tasks t
    WHERE t.queue = _lease.queue AND t.rank = _lease.rank AND t.renewed IS NULL AND t.until = _lease.until
      AND t.due BETWEEN _lease.low AND _lease.high
  );
END $$;

-- When the next lease of these queues runs or ran out; null for never. Paused queues do not count. Deletes on its way
-- what is left of reserves that have nothing left.
CREATE FUNCTION stem.next_expiry(_queues integer[]) RETURNS bigint
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
  SET jit = off
AS $$
DECLARE
  _queue integer;
  _lease record;
  _next bigint;
  _gone integer := 0;
BEGIN
  FOREACH _queue IN ARRAY _queues LOOP
    CONTINUE WHEN (SELECT q.paused FROM stem.queues q WHERE q.queue = _queue);
    _next := least(_next, (
      SELECT min(t.renewed) FROM stem.tasks t WHERE t.queue = _queue AND t.renewed IS NOT NULL
    ));
    FOR _lease IN SELECT l.until, l.ctid AS place, l AS whole FROM stem.leases l
      WHERE l.queue = _queue ORDER BY l.until
    LOOP
      -- So many are enough for one call: who wakes too early deletes the next.
      IF _gone = 1000 OR stem.is_held(_lease.whole) THEN
        _next := least(_next, _lease.until);
        EXIT;
      END IF;
      -- Who else is at it does it for us.
      DELETE FROM stem.leases l
      WHERE l.ctid = (SELECT d.ctid FROM stem.leases d WHERE d.ctid = _lease.place FOR UPDATE SKIP LOCKED);
      _gone := _gone + 1;
    END LOOP;
  END LOOP;
  RETURN _next;
END $$;

DROP FUNCTION stem.reserve(integer[], integer, bigint, text, bigint);

-- Leases ready tasks: earlier queues first, then rank, due, seq. Each queue and rank is a range of the index, read
-- no further than there is room; the rows that others are about to lease are stepped over. Answers one row of lists,
-- which both sides handle in a fraction of the time that a row for each task takes; and where there were fewer than
-- asked for, when there may be more.
CREATE FUNCTION stem.reserve(
  _queues integer[], _max integer, _now bigint, _holder text, _until bigint,
  OUT ids text, OUT tokens text, OUT attempts text, OUT replays text, OUT envelopes text, OUT wake bigint
)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET enable_sort = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  _leased integer;
BEGIN
  WITH leased AS (
    UPDATE stem.tasks t SET until = _until, holder = _holder, started = _now, token = t.token + 1
    WHERE t.ctid = ANY (ARRAY(
      SELECT ready.place
      FROM (
        SELECT open.queue, rank FROM unnest(_queues) WITH ORDINALITY AS open (queue, at), generate_series(0, 9) AS rank
        ORDER BY at, rank
      ) AS shelf
      CROSS JOIN LATERAL (
        SELECT t.ctid AS place FROM stem.tasks t
        WHERE t.queue = shelf.queue AND t.rank = shelf.rank AND t.renewed IS NULL AND t.until IS NULL AND t.due <= _now
          AND NOT (SELECT q.paused FROM stem.queues q WHERE q.queue = shelf.queue)
        ORDER BY t.due, t.seq LIMIT _max FOR UPDATE OF t SKIP LOCKED
      ) AS ready
      LIMIT _max
    ))
    RETURNING array_position(_queues, t.queue) AS at, t.queue, t.rank, t.due, t.seq, t.id, t.token, t.attempts,
      t.replays, t.envelope
  ), noted AS (
    INSERT INTO stem.leases (until, low, high, queue, rank)
    SELECT _until, min(due), max(due), queue, rank FROM leased GROUP BY queue, rank
  )
  SELECT count(*), string_agg(l.id, chr(30)), string_agg(l.token::text, ','), string_agg(l.attempts::text, ','),
    CASE WHEN bool_or(l.replays IS NOT NULL) THEN string_agg(coalesce(l.replays, ''), chr(30)) END,
    string_agg(replace(l.envelope, chr(30), ' '), chr(30))
  INTO _leased, ids, tokens, attempts, replays, envelopes
  FROM (SELECT * FROM leased ORDER BY at, rank, due, seq) AS l;
  IF _leased < _max THEN
    wake := least(stem.next_due(_queues), stem.next_expiry(_queues));
  END IF;
END $$;

-- Leases tasks whose lease has run out, at the cost of an attempt: earlier queues first, then the longest lost.
-- Answers them as they were. Those that are marked as cancelled stay so, for the caller to end.
CREATE OR REPLACE FUNCTION stem.reclaim(_queues integer[], _max integer, _now bigint, _holder text, _until bigint)
  RETURNS SETOF stem.tasks
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET enable_sort = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _places tid[];
BEGIN
  -- Most look in vain.
  IF NOT EXISTS (
    SELECT FROM unnest(_queues) AS open (queue)
    WHERE EXISTS (SELECT FROM stem.leases l WHERE l.queue = open.queue AND l.until <= _now)
      OR EXISTS (SELECT FROM stem.tasks t WHERE t.queue = open.queue AND t.renewed <= _now)
  ) THEN
    RETURN;
  END IF;
  _places := ARRAY(
    SELECT lost.place FROM unnest(_queues) WITH ORDINALITY AS open (queue, at)
    CROSS JOIN LATERAL (
      SELECT * FROM (
        SELECT * FROM (
          SELECT t.ctid AS place, t.until, t.seq FROM stem.tasks t
          WHERE t.queue = open.queue AND t.renewed <= _now
          ORDER BY t.renewed, t.seq LIMIT _max FOR UPDATE OF t SKIP LOCKED
        ) AS renewed
        UNION
        SELECT fresh.* FROM (
          SELECT l.* FROM stem.leases l WHERE l.queue = open.queue AND l.until <= _now ORDER BY l.until LIMIT 5000
        ) AS l CROSS JOIN LATERAL (
          SELECT t.ctid AS place, t.until, t.seq FROM stem.tasks t
          WHERE t.queue = l.queue AND t.rank = l.rank AND t.renewed IS NULL AND t.until = l.until
            AND t.due BETWEEN l.low AND l.high
          LIMIT _max FOR UPDATE OF t SKIP LOCKED
        ) AS fresh
      ) AS lost
      WHERE NOT (SELECT q.paused FROM stem.queues q WHERE q.queue = open.queue)
      ORDER BY until, seq LIMIT _max
    ) AS lost
    LIMIT _max
  );
  RETURN QUERY
  SELECT t.* FROM unnest(_places) WITH ORDINALITY AS p (place, at) JOIN stem.tasks t ON t.ctid = p.place ORDER BY p.at;
  UPDATE stem.tasks t SET until = _until, holder = _holder, started = _now, token = t.token + 1,
    attempts = t.attempts + 1, renewed = _until
  WHERE t.ctid = ANY (_places) AND t.cancel = 0;
  DELETE FROM stem.leases d WHERE d.ctid = ANY (ARRAY(
    SELECT l.ctid FROM stem.leases l WHERE l.queue = ANY (_queues) AND l.until <= _now AND NOT stem.is_held(l)
    LIMIT 5000 FOR UPDATE OF l SKIP LOCKED
  ));
END $$;
