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

DROP FUNCTION stem.settle;

-- Finishes runs, whatever they came to. Answers the places of those that are another's, and of those that were to come
-- back and are marked as cancelled. A comparison with a list of one, as of ids here, has no order that an index could
-- offer: otherwise, where the server believes that a table is empty, going through all of it once seems cheaper than to
-- look up each of a list.
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
      RETURNING s.*, CASE WHEN t.token = 0 THEN stem.reservation_of(t, s.seq, s.reservation, _live) END AS leant, t.progress, t.replays
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
      RETURNING s.*, CASE WHEN t.token = 0 THEN stem.reservation_of(t, s.seq, s.reservation, _live) END AS leant, t.queue AS of_queue, t.rank,
        t.attempts, t.task AS of_task, t.progress, t.replays,
        CASE s.kind WHEN 1 THEN t.envelope END AS envelope
    ), coming AS (
      SELECT s.*, t.ctid AS place_of, CASE WHEN t.token = 0 THEN stem.reservation_of(t, s.seq, s.reservation, _live) END AS leant
      FROM said s JOIN stem.tasks t ON t.id = ANY (ARRAY[s.id]) AND t.ns = s.ns
      WHERE s.kind >= 2 AND t.cancel = 0 AND CASE
        WHEN t.token = 0 THEN s.token = 1 AND (s.seq = t.seq AND s.reservation = ANY (_live) OR stem.is_reserved(t))
        ELSE t.token = s.token AND coalesce(t.until, 0) > 0
      END
      FOR UPDATE OF t
    ), back AS (
      UPDATE stem.tasks t SET token = s.token, until = NULL, holder = NULL, renewed = NULL, due = s.due,
        started = CASE WHEN s.leant IS NULL THEN t.started ELSE (
          SELECT r.started FROM stem.reservations r WHERE r.ns = s.ns AND r.number = s.leant
        ) END,
        attempts = t.attempts + CASE s.kind WHEN 2 THEN 1 ELSE 0 END, error = coalesce(s.reason, t.error)
      FROM coming s WHERE t.ctid = s.place_of
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

DROP FUNCTION stem.settle_flows;

-- As stem.settle, with what else follows: tasks with keys and turns, keys set free, groups opened, members arrived. All
-- of it by place, of the settlements that land.
CREATE FUNCTION stem.settle_flows(
  _ns integer, _now bigint, _ids text, _tokens integer[], _reservations bigint[], _seqs bigint[], _kinds smallint[],
  _dues bigint[], _reasons text, _soughts text, _statuses text, _states text, _tasks text, _queues text, _ended bigint[], _lacks smallint[],
  _next_of integer[], _next_ids text, _next_tasks text, _next_queues integer[], _next_ranks smallint[],
  _next_dues bigint[], _next_envelopes text, _plain boolean,
  _next_fairs text, _next_costs integer[], _next_keys text, _next_modes text, _next_holds bigint[],
  _free text, _opens text, _of integer[], _steps integer[], _groups text, _places integer[], _oks boolean[], _texts text,
  OUT stale integer[], OUT marked integer[]
)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _not integer[];
  _next record;
  _joins record;
  _left json;
  _sent boolean := false;
BEGIN
  SELECT s.stale, s.marked INTO stale, marked FROM stem.settle(_ns, _now, _ids, _tokens, _reservations, _seqs, _kinds, _dues,
    _reasons, _soughts, _statuses, _states, _tasks, _queues, _ended, _lacks, '{}', '', '', '{}', '{}', '{}', '', _plain) AS s;
  _not := coalesce(stale, '{}') || coalesce(marked, '{}');
  IF _free IS NOT NULL THEN
    PERFORM stem.free_keys(_ns, array_agg(f.key), array_agg(f.id))
    FROM unnest(stem.texts(_free), stem.texts(_ids)) WITH ORDINALITY AS f (key, id, at)
    WHERE f.key IS NOT NULL AND f.at <> ALL (_not);
  END IF;
  IF cardinality(_next_of) > 0 THEN
    SELECT array_agg(n.id ORDER BY n.at) AS ids, array_agg(n.task ORDER BY n.at) AS tasks,
      array_agg(n.queue ORDER BY n.at) AS queues, array_agg(n.rank ORDER BY n.at) AS ranks,
      array_agg(n.due ORDER BY n.at) AS dues, array_agg(n.envelope ORDER BY n.at) AS envelopes,
      CASE WHEN _next_fairs IS NOT NULL THEN array_agg(n.fair ORDER BY n.at) END AS fairs,
      CASE WHEN _next_fairs IS NOT NULL THEN array_agg(n.cost ORDER BY n.at) END AS costs,
      CASE WHEN _next_keys IS NOT NULL THEN array_agg(n.key ORDER BY n.at) END AS keys,
      CASE WHEN _next_keys IS NOT NULL THEN array_agg(n.mode ORDER BY n.at) END AS modes,
      CASE WHEN _next_keys IS NOT NULL THEN array_agg(n.hold ORDER BY n.at) END AS holds
    INTO _next
    FROM unnest(_next_of, stem.texts(_next_ids), stem.texts(_next_tasks), _next_queues, _next_ranks, _next_dues,
      stem.texts(_next_envelopes), stem.texts(_next_fairs), _next_costs, stem.texts(_next_keys),
      stem.texts(_next_modes), _next_holds) WITH ORDINALITY
      AS n (of, id, task, queue, rank, due, envelope, fair, cost, key, mode, hold, at)
    WHERE n.of <> ALL (_not);
    IF _next.ids IS NOT NULL THEN
      PERFORM stem.add_flows(_ns, _now, _next.ids, _next.tasks, _next.queues, _next.ranks, _next.dues, _next.envelopes,
        _next.fairs, _next.costs, _next.keys, _next.modes, _next.holds);
      _sent := true;
    END IF;
  END IF;
  SELECT array_agg(c.of) AS of, array_agg(c.step) AS steps, array_agg(c.id) AS ids, array_agg(c.place) AS places,
    array_agg(c.ok) AS oks, array_agg(c.text) AS texts INTO _joins
  FROM unnest(_of, _steps, stem.texts(_groups), _places, _oks, stem.texts(_texts)) AS c (of, step, id, place, ok, text)
  WHERE c.of <> ALL (_not);
  IF _opens IS NOT NULL THEN
    SELECT json_agg(o.one) INTO _left FROM json_array_elements(_opens::json) AS o (one)
    WHERE (o.one->>'of')::integer <> ALL (_not);
  END IF;
  IF _joins.of IS NOT NULL OR _left IS NOT NULL THEN
    _sent := stem.join_groups(_ns, _now, _left, _joins.of, _joins.steps, _joins.ids, _joins.places, _joins.oks,
      _joins.texts, _plain) OR _sent;
  END IF;
  IF _sent THEN
    PERFORM stem.ring(_ns, 0);
  END IF;
END $$;
