-- As before; of those that were lost at the same time the earliest stored go first, in whatever order they were leased.
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
