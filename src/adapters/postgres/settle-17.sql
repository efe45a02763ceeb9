-- As before, and only what its hint does not find is looked for among the reservations, which takes a call for each.
CREATE OR REPLACE FUNCTION stem.settle(
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
      UPDATE stem.tasks t SET token = s.token, until = NULL, holder = NULL, renewed = NULL, due = s.due,
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
