-- Gives tasks that lean on reservations their own leases, as they are.
CREATE FUNCTION stem.own_leases(_ns integer, _ids text[]) RETURNS void
  LANGUAGE plpgsql
AS $$
DECLARE
  _own bigint[];
BEGIN
  WITH held AS (
    SELECT t.ctid AS place, r.number, r.until, r.started, r.holder
    FROM stem.tasks t JOIN stem.reservations r ON r.queue = t.queue AND r.rank = t.rank AND t.seq = ANY (r.seqs)
    WHERE t.ns = _ns AND t.id = ANY (_ids) AND t.token = 0 FOR UPDATE OF t
  ), own AS (
    UPDATE stem.tasks t SET token = 1, until = h.until, holder = h.holder, started = h.started
    FROM held h WHERE t.ctid = h.place AND t.token = 0
    RETURNING h.number
  )
  SELECT array_agg(number) INTO _own FROM own;
  PERFORM stem.leave_reservations(_ns, _own);
END $$;

-- Keeps leases; a task that is kept has its own from then on.
CREATE FUNCTION stem.renew(
  _ns integer, _ids text, _tokens integer[], _reservations bigint[], _seqs bigint[], _until bigint, _progress text
) RETURNS TABLE (id text, token integer, cancel smallint)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  _own bigint[];
  _first text[];
  _rest text[];
BEGIN
  WITH said AS MATERIALIZED (
    SELECT _ns AS ns, s.*, r.number, r.holder, r.started
    FROM unnest(stem.texts(_ids), _tokens, _reservations, _seqs, stem.texts(_progress))
      AS s (id, token, reservation, seq, progress)
    JOIN stem.reservations r ON r.ns = _ns AND r.number = s.reservation
    WHERE s.token = 1
  ), own AS (
    UPDATE stem.tasks t SET token = 1, until = _until, holder = s.holder, started = s.started,
      progress = coalesce(s.progress, t.progress)
    FROM said s WHERE t.id = ANY (ARRAY[s.id]) AND t.ns = s.ns AND t.token = 0 AND t.seq = s.seq
    RETURNING s.number, s.id
  )
  SELECT array_agg(number), array_agg(id) INTO _own, _first FROM own;
  PERFORM stem.leave_reservations(_ns, _own);
  RETURN QUERY SELECT f.id, 1, 0::smallint FROM unnest(_first) AS f (id);
  _rest := ARRAY(
    SELECT s.id FROM unnest(stem.texts(_ids)) AS s (id) WHERE s.id NOT IN (SELECT f.id FROM unnest(_first) AS f (id))
  );
  IF _rest = '{}' THEN
    RETURN;
  END IF;
  -- Stored again under their ids, and leased again: the token says the same.
  IF EXISTS (SELECT FROM stem.tasks t WHERE t.id = ANY (_rest) AND t.ns = _ns AND t.token = 0) THEN
    PERFORM stem.own_leases(_ns, _rest);
  END IF;
  RETURN QUERY
  UPDATE stem.tasks t SET until = _until, progress = coalesce(r.progress, t.progress)
  FROM (
    SELECT _ns AS ns, r.* FROM unnest(stem.texts(_ids), _tokens, stem.texts(_progress)) AS r (id, token, progress)
    WHERE r.id IN (SELECT e.id FROM unnest(_rest) AS e (id)) OFFSET 0
  ) AS r
  WHERE t.id = ANY (ARRAY[r.id]) AND t.ns = r.ns AND t.token = r.token AND coalesce(t.until, 0) > 0
  RETURNING t.id, t.token, t.cancel;
END $$;

-- Marks running tasks as cancelled and answers which.
CREATE FUNCTION stem.mark_cancel(_ns integer, _ids text, _how smallint) RETURNS SETOF text
  LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM stem.own_leases(_ns, stem.texts(_ids));
  RETURN QUERY
  UPDATE stem.tasks t SET cancel = greatest(t.cancel, _how)
  WHERE t.ns = _ns AND t.id = ANY (stem.texts(_ids)) AND coalesce(t.until, 0) > 0 RETURNING t.id;
END $$;

-- Makes tasks due that wait for later, and answers which.
CREATE FUNCTION stem.hasten(_ns integer, _ids text, _now bigint) RETURNS SETOF text
  LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM stem.lock_waiting(_ns);
  RETURN QUERY
  WITH hastened AS (
    UPDATE stem.tasks t SET due = _now
    WHERE t.ns = _ns AND t.id = ANY (stem.texts(_ids)) AND coalesce(t.until, 0) = 0 AND t.due > _now
      AND (t.token > 0 OR NOT stem.is_reserved(t))
    RETURNING t.id, t.queue, t.rank, t.fair, t.due
  ), told AS (
    INSERT INTO stem.fair_news (queue, rank, key, due) SELECT queue, rank, fair, due FROM hastened WHERE fair IS NOT NULL
  )
  SELECT h.id FROM hastened h;
  IF FOUND THEN
    PERFORM stem.ring(_ns, 0);
  END IF;
END $$;

-- When the first lease runs out.
CREATE FUNCTION stem.next_expiry(_queues integer[]) RETURNS bigint
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _queue integer;
  _next bigint;
BEGIN
  FOREACH _queue IN ARRAY _queues LOOP
    _next := least(_next, (
      SELECT least(
        (SELECT min(t.until) FROM stem.tasks t WHERE t.queue = q.queue AND t.until IS NOT NULL),
        (SELECT min(r.until) FROM stem.reservations r WHERE r.queue = q.queue)
      ) FROM stem.queues q WHERE q.queue = _queue AND NOT q.paused
    ));
  END LOOP;
  RETURN _next;
END $$;

-- Gives tasks of reservations that have run out their own leases, as run out, where take_over finds them: no more than
-- somebody takes, for who comes for one task after a whole fleet was lost is not to write to all that it had. What
-- somebody is about to settle is left as it is. Those of one queue that ran out at the same instant go together, for
-- their order is by task.
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
      UPDATE stem.tasks t SET token = 1, until = _lost.until, holder = _lost.holder,
        started = _lost.started
      WHERE t.token = 0 AND t.ctid = ANY (ARRAY(
        SELECT * FROM (
          SELECT o.ctid FROM stem.tasks o WHERE o.queue = _lost.queue AND o.rank = _lost.rank AND o.until IS NULL
            AND o.fair IS NULL AND o.due BETWEEN _lost.low AND _lost.high AND o.seq BETWEEN _lost.first AND _lost.last
            AND o.token = 0 AND o.seq = ANY (_lost.seqs) FOR UPDATE OF o SKIP LOCKED
        ) AS plain
        UNION ALL
        SELECT * FROM (
          SELECT o.ctid FROM stem.tasks o WHERE o.queue = _lost.queue AND o.rank = _lost.rank AND o.until IS NULL
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
      SELECT FROM stem.tasks t WHERE t.queue = _lost.queue AND t.rank = _lost.rank AND t.until IS NULL
        AND t.fair IS NULL AND t.due BETWEEN _lost.low AND _lost.high AND t.seq BETWEEN _lost.first AND _lost.last
        AND t.token = 0 AND t.seq = ANY (_lost.seqs)
    ) OR EXISTS (
      SELECT FROM stem.tasks t WHERE t.queue = _lost.queue AND t.rank = _lost.rank AND t.until IS NULL
        AND t.fair IS NOT NULL AND t.due BETWEEN _lost.low AND _lost.high AND t.seq BETWEEN _lost.first AND _lost.last
        AND t.token = 0 AND t.seq = ANY (_lost.seqs)
    ) THEN
      UPDATE stem.reservations r SET open = greatest(r.open - _own, 1) WHERE r.ns = _lost.ns AND r.number = _lost.number;
    ELSE
      DELETE FROM stem.reservations r WHERE r.ns = _lost.ns AND r.number = _lost.number;
    END IF;
  END LOOP;
END $$;

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
  _places := ARRAY(
    SELECT lost.place FROM unnest(_queues) WITH ORDINALITY AS open (queue, at)
    CROSS JOIN LATERAL (
      SELECT t.ctid AS place FROM stem.tasks t
      WHERE t.queue = open.queue AND t.until <= _now
        AND NOT (SELECT q.paused FROM stem.queues q WHERE q.queue = open.queue)
      ORDER BY t.until, t.seq LIMIT _max FOR UPDATE OF t SKIP LOCKED
    ) AS lost
    LIMIT _max
  );
  -- Most look in vain.
  IF _places = '{}' THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT t.* FROM unnest(_places) WITH ORDINALITY AS p (place, at) JOIN stem.tasks t ON t.ctid = p.place ORDER BY p.at;
  UPDATE stem.tasks t SET until = _until, holder = _holder, started = _now, token = t.token + 1,
    attempts = t.attempts + 1
  WHERE t.ctid = ANY (_places) AND t.cancel = 0;
END $$;
