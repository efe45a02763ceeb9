-- Whether a task is leased is asked in these in a way that the index of leased tasks does not offer itself: when there
-- were few at the last ANALYZE, it looks cheaper to the planner than the one by id. And the namespace stands in the list
-- beside each id, so that the list is gone through and tasks are looked up: where the server believes that there are few,
-- going through all of a namespace's tasks for each of the list looks cheaper.

DROP FUNCTION stem.settle(integer, bigint, text, integer[], smallint[], bigint[], text, text, text, text, text, text,
  bigint[], smallint[], integer[], text, text, integer[], smallint[], bigint[], text);

-- A status with what it lacks.
CREATE FUNCTION stem.filled(_status text, _lacks smallint, _progress text, _replays text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT CASE WHEN _progress IS NULL AND _replays IS NULL THEN _status ELSE
    left(_status, -1)
      || CASE WHEN _lacks & 1 = 1 THEN coalesce(',"progress":' || _progress, '') ELSE '' END
      || CASE WHEN _lacks & 2 = 2 THEN coalesce(',"replays":' || _replays, '') ELSE '' END
      || '}'
  END $$;

-- Finishes runs whose token is still the one. Kinds: 0 ack, 1 bury, 2 retry, 3 release. Answers, by place in the
-- lists, what did not land: stale, or marked as cancelled, for the caller to end. Progress and replays that the
-- status lacks (bits 1 and 2 of lacks) are put in as JSON text. Plain are those that are all acks: it is a third faster
-- to write what is known to be new, and where it is not, the whole call fails by the key and comes again as not plain.
CREATE FUNCTION stem.settle(
  _ns integer, _now bigint, _ids text, _tokens integer[], _kinds smallint[], _dues bigint[], _reasons text,
  _soughts text, _statuses text, _states text, _tasks text, _queues text, _ended bigint[], _lacks smallint[],
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
BEGIN
  IF _plain THEN
    WITH closed AS (
      DELETE FROM stem.tasks t USING (
        SELECT _ns AS ns, s.* FROM unnest(
          stem.texts(_ids), _tokens, stem.texts(_statuses), stem.texts(_states), stem.texts(_tasks),
          stem.texts(_queues), _ended, _lacks
        ) WITH ORDINALITY AS s (id, token, status, state, task, queue, ended, lacks, place) OFFSET 0
      ) AS s
      WHERE t.ns = s.ns AND t.id = s.id AND t.token = s.token AND coalesce(t.until, 0) > 0
      RETURNING s.*, t.progress, t.replays
    ), written AS (
      INSERT INTO stem.statuses (ns, id, state, task, queue, ended, token, status)
      SELECT ns, id, state, task, queue, ended, token, stem.filled(status, lacks, progress, replays)
      FROM closed WHERE status IS NOT NULL
    )
    SELECT array_agg(place) INTO _landed FROM closed;
  ELSE
    WITH said AS MATERIALIZED (
      SELECT _ns AS ns, s.* FROM unnest(
        stem.texts(_ids), _tokens, _kinds, _dues, stem.texts(_reasons), stem.texts(_soughts), stem.texts(_statuses),
        stem.texts(_states), stem.texts(_tasks), stem.texts(_queues), _ended, _lacks
      ) WITH ORDINALITY
        AS s (id, token, kind, due, reason, sought, status, state, task, queue, ended, lacks, place)
    ), closed AS (
      DELETE FROM stem.tasks t USING said s
      WHERE t.ns = s.ns AND t.id = s.id AND t.token = s.token AND coalesce(t.until, 0) > 0 AND s.kind <= 1
      RETURNING s.*, t.queue AS of_queue, t.rank, t.attempts, t.task AS of_task, t.progress, t.replays,
        CASE s.kind WHEN 1 THEN t.envelope END AS envelope
    ), back AS (
      UPDATE stem.tasks t SET until = NULL, holder = NULL, renewed = NULL, due = s.due,
        attempts = t.attempts + CASE s.kind WHEN 2 THEN 1 ELSE 0 END, error = coalesce(s.reason, t.error)
      FROM said s
      WHERE t.ns = s.ns AND t.id = s.id AND t.token = s.token AND coalesce(t.until, 0) > 0 AND s.kind >= 2 AND t.cancel = 0
      RETURNING s.place
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
    SELECT array_agg(place) INTO _landed FROM (SELECT place FROM closed UNION ALL SELECT place FROM back) AS l;
  END IF;

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

-- Ends tasks with the statuses given, where nothing has changed since they were looked at: the same token, and leased
-- or waiting as they were. Answers the ids of those that ended. Reasons are there for those that were buried.
CREATE OR REPLACE FUNCTION stem.finish(
  _ns integer, _now bigint, _ids text, _tokens integer[], _leased boolean[], _reasons text, _soughts text,
  _statuses text, _states text, _tasks text, _queues text
) RETURNS text
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _over text;
BEGIN
  WITH said AS MATERIALIZED (
    SELECT _ns AS ns, s.* FROM unnest(
      stem.texts(_ids), _tokens, _leased, stem.texts(_reasons), stem.texts(_soughts), stem.texts(_statuses),
      stem.texts(_states), stem.texts(_tasks), stem.texts(_queues)
    ) AS s (id, token, leased, reason, sought, status, state, task, queue)
  ), closed AS (
    DELETE FROM stem.tasks t USING said s
    WHERE t.ns = s.ns AND t.id = s.id AND t.token = s.token AND (coalesce(t.until, 0) > 0) = s.leased
    RETURNING s.*, t.queue AS of_queue, t.rank, t.attempts, t.replays,
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
  SELECT string_agg(id, chr(30)) INTO _over FROM closed;
  PERFORM stem.ring(_ns, 1);
  RETURN _over;
END $$;

-- Keeps leases until an instant, with the progress given or the one before. Answers ids, tokens and cancel marks.
CREATE OR REPLACE FUNCTION stem.renew(_ns integer, _ids text, _tokens integer[], _until bigint, _progress text)
  RETURNS TABLE (id text, token integer, cancel smallint)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  UPDATE stem.tasks t SET until = _until, renewed = _until, progress = coalesce(r.progress, t.progress)
  FROM (
    SELECT _ns AS ns, r.* FROM unnest(stem.texts(_ids), _tokens, stem.texts(_progress)) AS r (id, token, progress) OFFSET 0
  ) AS r
  WHERE t.ns = r.ns AND t.id = r.id AND t.token = r.token AND coalesce(t.until, 0) > 0
  RETURNING t.id, t.token, t.cancel;
END $$;
