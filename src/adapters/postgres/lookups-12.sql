-- As before, with plans pinned once more. Where the server believes that a table is empty, which it does whenever it has
-- looked while nobody waited, one look-up by key seems to read all of the index, and so going through all of it once seems
-- cheaper than to look up each of a list. A comparison with a list of one has no order that the index could offer, and without one
-- it is not gone through; only the first column is asked like that, for of another one it would not look anything up.
CREATE OR REPLACE FUNCTION stem.settle(
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
      WHERE t.ns = ANY (ARRAY[s.ns]) AND t.id = s.id AND t.token = s.token AND coalesce(t.until, 0) > 0
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
      WHERE t.ns = ANY (ARRAY[s.ns]) AND t.id = s.id AND t.token = s.token AND coalesce(t.until, 0) > 0 AND s.kind <= 1
      RETURNING s.*, t.queue AS of_queue, t.rank, t.attempts, t.task AS of_task, t.progress, t.replays,
        CASE s.kind WHEN 1 THEN t.envelope END AS envelope
    ), back AS (
      UPDATE stem.tasks t SET until = NULL, holder = NULL, renewed = NULL, due = s.due,
        attempts = t.attempts + CASE s.kind WHEN 2 THEN 1 ELSE 0 END, error = coalesce(s.reason, t.error)
      FROM said s
      WHERE t.ns = ANY (ARRAY[s.ns]) AND t.id = s.id AND t.token = s.token AND coalesce(t.until, 0) > 0 AND s.kind >= 2 AND t.cancel = 0
      RETURNING s.place, t.queue AS of_queue, t.rank, t.fair, s.due
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
    WHERE t.ns = ANY (ARRAY[s.ns]) AND t.id = s.id AND t.token = s.token AND (coalesce(t.until, 0) > 0) = s.leased
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
  WHERE t.ns = ANY (ARRAY[r.ns]) AND t.id = r.id AND t.token = r.token AND coalesce(t.until, 0) > 0
  RETURNING t.id, t.token, t.cancel;
END $$;

CREATE OR REPLACE FUNCTION stem.free_keys(_ns integer, _keys text[], _ids text[]) RETURNS void
  LANGUAGE plpgsql
AS $$
BEGIN
  DELETE FROM stem.unique_keys k WHERE k.ctid = ANY (ARRAY(
    SELECT o.ctid FROM (
      SELECT _ns AS ns, f.* FROM unnest(_keys, _ids) AS f (key, id) OFFSET 0
    ) AS f
    JOIN stem.unique_keys o ON o.ns = ANY (ARRAY[f.ns]) AND o.key = f.key AND o.task = f.id AND o.until IS NULL
    FOR UPDATE OF o SKIP LOCKED
  ));
END $$;
