DROP FUNCTION stem.split_lost;

-- As before, and no more than somebody takes: who comes for one task after a whole fleet was lost does not write to all
-- that it had. Those of one queue that ran out at the same instant go together, for their order is by task.
CREATE FUNCTION stem.split_lost(_queues integer[], _max integer, _now bigint) RETURNS void
  LANGUAGE plpgsql
AS $$
DECLARE
  _lost stem.reservations;
  _own bigint;
  _moved bigint := 0;
  _last_queue integer;
  _last_until bigint;
BEGIN
  FOR _lost IN
    SELECT r.* FROM stem.reservations r JOIN stem.queues q ON q.queue = r.queue
    WHERE r.queue = ANY (_queues) AND r.until <= _now AND NOT q.paused
    ORDER BY array_position(_queues, r.queue), r.until LIMIT 1000 FOR UPDATE OF r SKIP LOCKED
  LOOP
    EXIT WHEN _moved >= _max AND (_lost.queue, _lost.until) <> (_last_queue, _last_until);
    WITH left_behind AS (
      UPDATE stem.tasks t SET token = 1, until = _lost.until, renewed = _lost.until, holder = _lost.holder,
        started = _lost.started
      WHERE t.token = 0 AND t.ctid = ANY (ARRAY(
        SELECT * FROM (
          SELECT o.ctid FROM stem.tasks o WHERE o.queue = _lost.queue AND o.rank = _lost.rank AND o.renewed IS NULL
            AND o.fair IS NULL AND o.due BETWEEN _lost.low AND _lost.high AND o.seq BETWEEN _lost.first AND _lost.last
            AND o.token = 0 AND o.seq = ANY (_lost.seqs) FOR UPDATE OF o SKIP LOCKED
        ) AS plain
        UNION ALL
        SELECT * FROM (
          SELECT o.ctid FROM stem.tasks o WHERE o.queue = _lost.queue AND o.rank = _lost.rank AND o.renewed IS NULL
            AND o.fair IS NOT NULL AND o.due BETWEEN _lost.low AND _lost.high AND o.seq BETWEEN _lost.first AND _lost.last
            AND o.token = 0 AND o.seq = ANY (_lost.seqs) FOR UPDATE OF o SKIP LOCKED
        ) AS fair
      ))
      RETURNING t.seq
    )
    SELECT count(*) INTO _own FROM left_behind;
    _moved := _moved + _own;
    _last_queue := _lost.queue;
    _last_until := _lost.until;
    IF EXISTS (
      SELECT FROM stem.tasks t WHERE t.queue = _lost.queue AND t.rank = _lost.rank AND t.renewed IS NULL
        AND t.fair IS NULL AND t.due BETWEEN _lost.low AND _lost.high AND t.seq BETWEEN _lost.first AND _lost.last
        AND t.token = 0 AND t.seq = ANY (_lost.seqs)
    ) OR EXISTS (
      SELECT FROM stem.tasks t WHERE t.queue = _lost.queue AND t.rank = _lost.rank AND t.renewed IS NULL
        AND t.fair IS NOT NULL AND t.due BETWEEN _lost.low AND _lost.high AND t.seq BETWEEN _lost.first AND _lost.last
        AND t.token = 0 AND t.seq = ANY (_lost.seqs)
    ) THEN
      UPDATE stem.reservations r SET open = greatest(r.open - _own, 1) WHERE r.ns = _lost.ns AND r.number = _lost.number;
    ELSE
      DELETE FROM stem.reservations r WHERE r.ns = _lost.ns AND r.number = _lost.number;
    END IF;
  END LOOP;
END $$;

-- Under another name than before: an older Stem that still runs could renew and settle nothing of what it took, and each
-- task would lose an attempt by it.
DROP FUNCTION stem.reclaim;

-- Takes over tasks whose lease has run out, the longest lost first, and answers them as they were. Marked ones are
-- answered too, and left as they are.
CREATE FUNCTION stem.take_over(_queues integer[], _max integer, _now bigint, _holder text, _until bigint)
  RETURNS SETOF stem.tasks
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET enable_sort = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _places tid[];
BEGIN
  IF EXISTS (SELECT FROM stem.reservations r WHERE r.queue = ANY (_queues) AND r.until <= _now) THEN
    PERFORM stem.split_lost(_queues, _max, _now);
  END IF;
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
          ORDER BY t.seq LIMIT _max FOR UPDATE OF t SKIP LOCKED
        ) AS fresh
        UNION
        SELECT fresh.* FROM (
          SELECT l.* FROM stem.leases l WHERE l.queue = open.queue AND l.until <= _now ORDER BY l.until LIMIT 5000
        ) AS l CROSS JOIN LATERAL (
          SELECT t.ctid AS place, t.until, t.seq FROM stem.tasks t
          WHERE t.queue = l.queue AND t.rank = l.rank AND t.renewed IS NULL AND t.fair IS NOT NULL AND t.until = l.until
            AND t.due BETWEEN l.low AND l.high
          ORDER BY t.seq LIMIT _max FOR UPDATE OF t SKIP LOCKED
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
