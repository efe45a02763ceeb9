-- As before, for tasks with and without a fair key, which stand in indexes of their own.
CREATE OR REPLACE FUNCTION stem.next_due(_queues integer[]) RETURNS bigint
  LANGUAGE plpgsql STABLE
  SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
  SET jit = off
AS $$
BEGIN
  RETURN least(
    (
      SELECT min(first.due) FROM unnest(_queues) AS open (queue) CROSS JOIN generate_series(0, 9) AS r (rank)
      CROSS JOIN LATERAL (
        SELECT t.due FROM stem.tasks t
        WHERE t.queue = open.queue AND t.rank = r.rank AND t.renewed IS NULL AND t.fair IS NULL AND t.until IS NULL
          AND NOT (SELECT q.paused FROM stem.queues q WHERE q.queue = open.queue)
        ORDER BY t.due, t.seq LIMIT 1
      ) AS first
    ),
    (
      SELECT min(first.due) FROM (
        SELECT o.queue FROM unnest(_queues) AS o (queue) WHERE EXISTS (
          SELECT FROM stem.tasks t WHERE t.queue = o.queue AND t.renewed IS NULL AND t.fair IS NOT NULL
        ) OFFSET 0
      ) AS open CROSS JOIN generate_series(0, 9) AS r (rank)
      CROSS JOIN LATERAL (
        SELECT t.due FROM stem.tasks t
        WHERE t.queue = open.queue AND t.rank = r.rank AND t.renewed IS NULL AND t.fair IS NOT NULL AND t.until IS NULL
          AND NOT (SELECT q.paused FROM stem.queues q WHERE q.queue = open.queue)
        ORDER BY t.due, t.seq LIMIT 1
      ) AS first
    )
  );
END $$;

CREATE OR REPLACE FUNCTION stem.is_held(_lease stem.leases) RETURNS boolean
  LANGUAGE plpgsql STABLE
  SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
  SET jit = off
AS $$
BEGIN
  RETURN EXISTS (
    SELECT FROM stem.tasks t
    WHERE t.queue = _lease.queue AND t.rank = _lease.rank AND t.renewed IS NULL AND t.fair IS NULL
      AND t.until = _lease.until AND t.due BETWEEN _lease.low AND _lease.high
  ) OR EXISTS (
    SELECT FROM stem.tasks t
    WHERE t.queue = _lease.queue AND t.rank = _lease.rank AND t.renewed IS NULL AND t.fair IS NOT NULL
      AND t.until = _lease.until AND t.due BETWEEN _lease.low AND _lease.high
  );
END $$;

-- As before, for tasks without a fair key, where none is there that has one.
CREATE OR REPLACE FUNCTION stem.reserve(
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
  IF EXISTS (SELECT FROM stem.fair_shelves s WHERE s.queue = ANY (_queues))
    OR EXISTS (SELECT FROM stem.fair_news n WHERE n.queue = ANY (_queues))
  THEN
    SELECT f.* INTO ids, tokens, attempts, replays, envelopes, wake
    FROM stem.reserve_fair(_queues, _max, _now, _holder, _until) AS f;
    RETURN;
  END IF;
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
        WHERE t.queue = shelf.queue AND t.rank = shelf.rank AND t.renewed IS NULL AND t.fair IS NULL
          AND t.until IS NULL AND t.due <= _now
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

-- As before, for both kinds.
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
          WHERE t.queue = l.queue AND t.rank = l.rank AND t.renewed IS NULL AND t.fair IS NULL AND t.until = l.until
            AND t.due BETWEEN l.low AND l.high
          LIMIT _max FOR UPDATE OF t SKIP LOCKED
        ) AS fresh
        UNION
        SELECT fresh.* FROM (
          SELECT l.* FROM stem.leases l WHERE l.queue = open.queue AND l.until <= _now ORDER BY l.until LIMIT 5000
        ) AS l CROSS JOIN LATERAL (
          SELECT t.ctid AS place, t.until, t.seq FROM stem.tasks t
          WHERE t.queue = l.queue AND t.rank = l.rank AND t.renewed IS NULL AND t.fair IS NOT NULL AND t.until = l.until
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
