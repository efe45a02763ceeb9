-- A status with what it lacks.
CREATE FUNCTION stem.filled(_status text, _lacks smallint, _progress text, _replays text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT CASE WHEN _progress IS NULL AND _replays IS NULL THEN _status ELSE
    left(_status, -1)
      || CASE WHEN _lacks & 1 = 1 THEN coalesce(',"progress":' || _progress, '') ELSE '' END
      || CASE WHEN _lacks & 2 = 2 THEN coalesce(',"replays":' || _replays, '') ELSE '' END
      || '}'
  END $$;

-- Ends tasks other than by a settlement: those that wait, and those that are leased by a given token.
CREATE FUNCTION stem.finish(
  _ns integer, _now bigint, _ids text, _tokens integer[], _leased boolean[], _reasons text, _soughts text,
  _statuses text, _states text, _tasks text, _queues text
) RETURNS text
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _over text;
  _left bigint[];
BEGIN
  IF false = ANY (_leased) THEN
    PERFORM stem.lock_waiting(_ns);
  END IF;
  WITH said AS MATERIALIZED (
    SELECT _ns AS ns, s.* FROM unnest(
      stem.texts(_ids), _tokens, _leased, stem.texts(_reasons), stem.texts(_soughts), stem.texts(_statuses),
      stem.texts(_states), stem.texts(_tasks), stem.texts(_queues)
    ) AS s (id, token, leased, reason, sought, status, state, task, queue)
  ), closed AS (
    DELETE FROM stem.tasks t USING said s
    WHERE t.id = ANY (ARRAY[s.id]) AND t.ns = s.ns AND CASE
      WHEN t.token = 0 THEN s.token = s.leased::integer AND s.leased = stem.is_reserved(t)
      ELSE t.token = s.token AND (coalesce(t.until, 0) > 0) = s.leased
    END
    RETURNING s.*, CASE WHEN t.token = 0 AND s.leased THEN stem.reservation_of(t, NULL, NULL, NULL) END AS leant, t.queue AS of_queue, t.rank, t.attempts, t.replays,
      CASE WHEN s.reason IS NOT NULL THEN t.envelope END AS envelope
  ), buried AS (
    INSERT INTO stem.dead_letters (ns, id, queue, rank, task, died, token, attempts, error, sought, replays, envelope)
    SELECT _ns, id, of_queue, rank, task, _now, token, attempts, reason, sought, replays, envelope
    FROM closed WHERE reason IS NOT NULL
  ), written AS (
    INSERT INTO stem.statuses AS s (ns, id, state, task, queue, ended, token, status)
    SELECT _ns, id, state, task, queue, _now, token, status FROM closed
    ON CONFLICT (ns, id) DO UPDATE SET state = excluded.state, task = excluded.task, queue = excluded.queue,
      ended = excluded.ended, token = excluded.token, status = excluded.status
    WHERE excluded.token >= s.token
  )
  SELECT string_agg(id, chr(30)), array_agg(leant) FILTER (WHERE leant IS NOT NULL) INTO _over, _left FROM closed;
  PERFORM stem.leave_reservations(_ns, _left);
  PERFORM stem.ring(_ns, 1);
  RETURN _over;
END $$;

-- Ends tasks with a success that lean on reservations, which nearly all do. _numbers are the reservations, _of says by
-- place which of them is a task's, and _counts how many are each one's; lists of one stand for the same in all places.
-- Answers the places of those it did nothing about: see stem.settle.
CREATE FUNCTION stem.settle_plain(
  _ns integer, _ids text, _numbers bigint[], _counts integer[], _of integer[], _seqs bigint[], _statuses text, _states text,
  _tasks text, _queues text, _ended bigint[], OUT others integer[]
)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _all text[] := stem.texts(_ids);
  _gone text[] := '{}';
  _sum numeric;
  _state text[] := stem.texts(_states);
  _task text[] := stem.texts(_tasks);
  _queue text[] := stem.texts(_queues);
BEGIN
  IF (SELECT count(*) FROM stem.reservations r WHERE r.ns = _ns AND r.number = ANY (_numbers)) = cardinality(_numbers) THEN
    WITH closed AS (
      DELETE FROM stem.tasks t WHERE t.id = ANY (_all) AND t.ns = _ns AND t.token = 0 RETURNING t.id, t.seq
    )
    SELECT coalesce(array_agg(id), '{}'), sum(seq) INTO _gone, _sum FROM closed;
    -- One that was stored again under its id has a later seq, so where the sums are the same all are.
    IF _sum <> (
      SELECT sum(a.seq) FROM unnest(_all, _seqs) AS a (id, seq)
      WHERE cardinality(_gone) = cardinality(_all) OR a.id IN (SELECT unnest(_gone))
    ) THEN
      RAISE EXCEPTION 'another task has the id' USING ERRCODE = 'STEM1';
    END IF;
  END IF;
  IF cardinality(_gone) = cardinality(_all) THEN
    UPDATE stem.reservations r SET open = r.open - n.gone FROM unnest(_numbers, _counts) AS n (number, gone)
    WHERE r.ns = _ns AND r.number = n.number;
    DELETE FROM stem.reservations r WHERE r.ns = _ns AND r.number = ANY (_numbers) AND r.open <= 0;
    IF _statuses <> '' THEN
      INSERT INTO stem.statuses (ns, id, state, task, queue, ended, token, status)
      SELECT _ns, s.id, coalesce(s.state, _state[1]), coalesce(s.task, _task[1]), coalesce(s.queue, _queue[1]),
        coalesce(s.ended, _ended[1]), 1, s.status
      FROM unnest(_all, stem.texts(_statuses), _state, _task, _queue, _ended) AS s (id, status, state, task, queue, ended);
    END IF;
  ELSE
    others := ARRAY(
      SELECT a.at FROM unnest(_all) WITH ORDINALITY AS a (id, at) WHERE a.id NOT IN (SELECT unnest(_gone))
    );
    PERFORM stem.leave_reservations(_ns, array_agg(_numbers[a.of]))
    FROM unnest(_all, _of) AS a (id, of) WHERE a.id IN (SELECT unnest(_gone));
    IF _statuses <> '' THEN
      INSERT INTO stem.statuses (ns, id, state, task, queue, ended, token, status)
      SELECT _ns, s.id, coalesce(s.state, _state[1]), coalesce(s.task, _task[1]), coalesce(s.queue, _queue[1]),
        coalesce(s.ended, _ended[1]), 1, s.status
      FROM unnest(_all, stem.texts(_statuses), _state, _task, _queue, _ended) AS s (id, status, state, task, queue, ended)
      WHERE s.id IN (SELECT unnest(_gone));
    END IF;
  END IF;
  IF _statuses <> '' AND _gone <> '{}' THEN
    PERFORM stem.ring(_ns, 1);
  END IF;
END $$;

-- Finishes runs, whatever they came to. Answers the places of those that are another's, and of those that were to come
-- back and are marked as cancelled. A comparison with a list of one, as of ids here, has no order that an index could
-- offer: otherwise, where the server believes that a table is empty, going through all of it once seems cheaper than to
-- look up each of a list. Only what its hint does not find is looked for among the reservations, which takes a call for
-- each. What comes back is found by its id: who has waited for the row while it was given a lease of its own knows the
-- place of that row as it is now, where this statement's snapshot sees nothing.
CREATE FUNCTION stem.settle(
  _ns integer, _now bigint, _ids text, _tokens integer[], _reservations bigint[], _seqs bigint[], _kinds smallint[],
  _dues bigint[], _reasons text, _soughts text, _statuses text, _states text, _tasks text, _queues text, _ended bigint[], _lacks smallint[],
  _next_of integer[], _next_ids text, _next_tasks text, _next_queues integer[], _next_ranks smallint[],
  _next_dues bigint[], _next_envelopes text, _plain boolean,
  OUT stale integer[], OUT marked integer[]
)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _landed bigint[];
  _left bigint[];
  _live bigint[] := ARRAY(SELECT r.number FROM stem.reservations r WHERE r.ns = _ns AND r.number = ANY (_reservations));
BEGIN
  IF _plain THEN
    WITH closed AS (
      DELETE FROM stem.tasks t USING (
        SELECT _ns AS ns, s.* FROM unnest(
          stem.texts(_ids), _tokens, _reservations, _seqs, stem.texts(_statuses), stem.texts(_states), stem.texts(_tasks),
          stem.texts(_queues), _ended, _lacks
        ) WITH ORDINALITY AS s (id, token, reservation, seq, status, state, task, queue, ended, lacks, place) OFFSET 0
      ) AS s
      WHERE t.id = ANY (ARRAY[s.id]) AND t.ns = s.ns AND CASE
        WHEN t.token = 0 THEN s.token = 1 AND (s.seq = t.seq AND s.reservation = ANY (_live) OR stem.is_reserved(t))
        ELSE t.token = s.token AND coalesce(t.until, 0) > 0
      END
      RETURNING s.*, CASE
        WHEN t.token > 0 THEN NULL
        WHEN s.seq = t.seq AND s.reservation = ANY (_live) THEN s.reservation
        ELSE stem.reservation_of(t, NULL, NULL, NULL)
      END AS leant, t.progress, t.replays
    ), written AS (
      INSERT INTO stem.statuses (ns, id, state, task, queue, ended, token, status)
      SELECT ns, id, state, task, queue, ended, token, stem.filled(status, lacks, progress, replays)
      FROM closed WHERE status IS NOT NULL
    )
    SELECT array_agg(place), array_agg(leant) FILTER (WHERE leant IS NOT NULL) INTO _landed, _left FROM closed;
  ELSE
    WITH said AS MATERIALIZED (
      SELECT _ns AS ns, s.* FROM unnest(
        stem.texts(_ids), _tokens, _reservations, _seqs, _kinds, _dues, stem.texts(_reasons), stem.texts(_soughts),
        stem.texts(_statuses), stem.texts(_states), stem.texts(_tasks), stem.texts(_queues), _ended, _lacks
      ) WITH ORDINALITY
        AS s (id, token, reservation, seq, kind, due, reason, sought, status, state, task, queue, ended, lacks, place)
    ), closed AS (
      DELETE FROM stem.tasks t USING said s
      WHERE t.id = ANY (ARRAY[s.id]) AND t.ns = s.ns AND s.kind <= 1 AND CASE
        WHEN t.token = 0 THEN s.token = 1 AND (s.seq = t.seq AND s.reservation = ANY (_live) OR stem.is_reserved(t))
        ELSE t.token = s.token AND coalesce(t.until, 0) > 0
      END
      RETURNING s.*, CASE
        WHEN t.token > 0 THEN NULL
        WHEN s.seq = t.seq AND s.reservation = ANY (_live) THEN s.reservation
        ELSE stem.reservation_of(t, NULL, NULL, NULL)
      END AS leant, t.queue AS of_queue, t.rank,
        t.attempts, t.task AS of_task, t.progress, t.replays,
        CASE s.kind WHEN 1 THEN t.envelope END AS envelope
    ), coming AS (
      SELECT s.*, CASE
        WHEN t.token > 0 THEN NULL
        WHEN s.seq = t.seq AND s.reservation = ANY (_live) THEN s.reservation
        ELSE stem.reservation_of(t, NULL, NULL, NULL)
      END AS leant
      FROM said s JOIN stem.tasks t ON t.id = ANY (ARRAY[s.id]) AND t.ns = s.ns
      WHERE s.kind >= 2 AND t.cancel = 0 AND CASE
        WHEN t.token = 0 THEN s.token = 1 AND (s.seq = t.seq AND s.reservation = ANY (_live) OR stem.is_reserved(t))
        ELSE t.token = s.token AND coalesce(t.until, 0) > 0
      END
      FOR UPDATE OF t
    ), back AS (
      UPDATE stem.tasks t SET token = s.token, until = NULL, holder = NULL, due = s.due,
        started = CASE WHEN s.leant IS NULL THEN t.started ELSE (
          SELECT r.started FROM stem.reservations r WHERE r.ns = s.ns AND r.number = s.leant
        ) END,
        attempts = t.attempts + CASE s.kind WHEN 2 THEN 1 ELSE 0 END, error = coalesce(s.reason, t.error)
      FROM coming s WHERE t.id = ANY (ARRAY[s.id]) AND t.ns = s.ns
      RETURNING s.place, s.leant, t.queue AS of_queue, t.rank, t.fair, s.due
    ), told AS (
      INSERT INTO stem.fair_news (queue, rank, key, due) SELECT of_queue, rank, fair, due FROM back WHERE fair IS NOT NULL
    ), buried AS (
      INSERT INTO stem.dead_letters (ns, id, queue, rank, task, died, token, attempts, error, sought, replays, envelope)
      SELECT _ns, id, of_queue, rank, of_task, _now, token, attempts + 1, reason, sought, replays, envelope
      FROM closed WHERE kind = 1
    ), written AS (
      INSERT INTO stem.statuses AS s (ns, id, state, task, queue, ended, token, status)
      SELECT _ns, id, state, task, queue, ended, token,
        stem.filled(status, lacks, progress, replays)
      FROM closed WHERE status IS NOT NULL
      ON CONFLICT (ns, id) DO UPDATE SET state = excluded.state, task = excluded.task, queue = excluded.queue,
        ended = excluded.ended, token = excluded.token, status = excluded.status
      WHERE excluded.token >= s.token
    )
    SELECT array_agg(place), array_agg(leant) FILTER (WHERE leant IS NOT NULL) INTO _landed, _left
    FROM (SELECT place, leant FROM closed UNION ALL SELECT place, leant FROM back) AS l;
  END IF;

  PERFORM stem.leave_reservations(_ns, _left);
  IF coalesce(cardinality(_landed), 0) < cardinality(_tokens) THEN
    SELECT array_agg(s.place) INTO marked
    FROM unnest(stem.texts(_ids), _tokens, _kinds) WITH ORDINALITY AS s (id, token, kind, place)
    WHERE s.kind >= 2 AND (
      SELECT t.token = s.token AND coalesce(t.until, 0) > 0 AND t.cancel > 0
      FROM stem.tasks t WHERE t.ns = _ns AND t.id = s.id
    );
    stale := ARRAY(
      SELECT place FROM generate_series(1, cardinality(_tokens)) AS place
      WHERE place <> ALL (coalesce(_landed, '{}')) AND place <> ALL (coalesce(marked, '{}'))
    );
  END IF;

  IF cardinality(_next_of) > 0 THEN
    PERFORM stem.add_tasks(_ns, array_agg(n.id ORDER BY n.at), array_agg(n.task ORDER BY n.at),
      array_agg(n.queue ORDER BY n.at), array_agg(n.rank ORDER BY n.at), array_agg(n.due ORDER BY n.at),
      array_agg(n.envelope ORDER BY n.at))
    FROM unnest(_next_of, stem.texts(_next_ids), stem.texts(_next_tasks), _next_queues, _next_ranks, _next_dues,
      stem.texts(_next_envelopes)) WITH ORDINALITY AS n (of, id, task, queue, rank, due, envelope, at)
    WHERE n.of = ANY (_landed)
    HAVING count(*) > 0;
  END IF;

  IF cardinality(_next_of) > 0 OR EXISTS (SELECT FROM unnest(_kinds) AS k WHERE k >= 2) THEN
    PERFORM stem.ring(_ns, 0);
  END IF;
  IF _statuses <> '' THEN
    PERFORM stem.ring(_ns, 1);
  END IF;
END $$;
