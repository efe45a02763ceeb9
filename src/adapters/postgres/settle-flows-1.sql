-- Sets keys free that their tasks still have, and that are not held for a while. Only tidiness, for a key is judged by
-- whether its task lives: one that somebody looks at just now is left alone.
CREATE FUNCTION stem.free_keys(_ns integer, _keys text[], _ids text[]) RETURNS void
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

-- As stem.finish; those that ended set their keys free, and are missed in their groups. Whom of a group is missed, and
-- what is free, is given by place.
CREATE FUNCTION stem.finish_flows(
  _ns integer, _now bigint, _ids text, _tokens integer[], _leased boolean[], _reasons text, _soughts text,
  _statuses text, _states text, _tasks text, _queues text,
  _free text, _of integer[], _steps integer[], _groups text, _places integer[], _oks boolean[], _texts text
) RETURNS text
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _over text;
  _ended integer[];
  _joins record;
BEGIN
  _over := stem.finish(_ns, _now, _ids, _tokens, _leased, _reasons, _soughts, _statuses, _states, _tasks, _queues);
  _ended := ARRAY(
    SELECT e.at FROM unnest(stem.texts(_ids)) WITH ORDINALITY AS e (id, at)
    WHERE e.id IN (SELECT o.id FROM unnest(stem.texts(_over)) AS o (id))
  );
  PERFORM stem.free_keys(_ns, array_agg(f.key), array_agg(f.id))
  FROM unnest(stem.texts(_free), stem.texts(_ids)) WITH ORDINALITY AS f (key, id, at)
  WHERE f.key IS NOT NULL AND f.at IN (SELECT e.at FROM unnest(_ended) AS e (at));
  SELECT array_agg(c.of) AS of, array_agg(c.step) AS steps, array_agg(c.id) AS ids, array_agg(c.place) AS places,
    array_agg(c.ok) AS oks, array_agg(c.text) AS texts INTO _joins
  FROM unnest(_of, _steps, stem.texts(_groups), _places, _oks, stem.texts(_texts)) AS c (of, step, id, place, ok, text)
  WHERE c.of IN (SELECT e.at FROM unnest(_ended) AS e (at));
  IF _joins.of IS NOT NULL AND stem.join_groups(_ns, _now, NULL, _joins.of, _joins.steps, _joins.ids, _joins.places,
    _joins.oks, _joins.texts, false)
  THEN
    PERFORM stem.ring(_ns, 0);
  END IF;
  RETURN _over;
END $$;

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

-- Counts members who succeeded, none of whom arrived before: by place, of which of the groups, given in the order of
-- what they send, and where in it. Answers whether something was sent.
CREATE FUNCTION stem.arrive_first(
  _ns integer, _now bigint, _groups text[], _of integer[], _places integer[], _texts text[]
) RETURNS boolean
  LANGUAGE plpgsql
AS $$
DECLARE
  _numbers bigint[];
BEGIN
  PERFORM stem.lock_groups(_ns, _groups);
  _numbers := ARRAY(
    SELECT (SELECT g.number FROM stem.groups g WHERE g.ns = _ns AND g.id = n.id)
    FROM unnest(_groups) WITH ORDINALITY AS n (id, at) ORDER BY n.at
  );
  INSERT INTO stem.arrivals (number, place, ok, arrival)
  SELECT _numbers[a.of], a.place, true, a.text FROM unnest(_of, _places, _texts) AS a (of, place, text);
  UPDATE stem.groups g SET arrived = g.arrived + k.arrived, over = CASE WHEN g.size IS NULL THEN _now ELSE g.over END,
    open = g.size IS NOT NULL AND NOT g.complete AND (g.ended IS NULL OR g.failed <= g.tolerate)
  FROM (
    SELECT _numbers[a.of] AS number, count(*)::integer AS arrived FROM unnest(_of) AS a (of) GROUP BY a.of
  ) AS k
  WHERE g.number = ANY (ARRAY[k.number]);
  RETURN stem.send_ended(_ns, _now, _numbers);
END $$;

-- As stem.settle_plain, with what follows: keys set free, plain tasks, and members that arrived. All or nothing, so that
-- what follows is stored in the order of the settlements; nothing where one has another lease, or follows already.
CREATE FUNCTION stem.settle_after(
  _ns integer, _ids text, _numbers bigint[], _counts integer[], _of integer[], _seqs bigint[], _statuses text, _states text,
  _tasks text, _queues text, _ended bigint[], _now bigint, _free text,
  _next_ids text, _next_tasks text, _next_queues integer[], _next_ranks smallint[], _next_dues bigint[],
  _next_envelopes text, _groups text, _groups_of integer[], _places integer[], _texts text
) RETURNS integer[]
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _next text[] := stem.texts(_next_ids);
  _sent boolean := false;
BEGIN
  IF stem.settle_plain(_ns, _ids, _numbers, _counts, _of, _seqs, _statuses, _states, _tasks, _queues, _ended) IS NOT NULL THEN
    RAISE EXCEPTION 'one has another lease' USING ERRCODE = 'STEM1';
  END IF;
  IF _free IS NOT NULL THEN
    PERFORM stem.free_keys(_ns, array_agg(f.key), array_agg(f.id))
    FROM unnest(stem.texts(_free), stem.texts(_ids)) AS f (key, id) WHERE f.key IS NOT NULL;
  END IF;
  IF _next_ids <> '' THEN
    INSERT INTO stem.tasks (ns, id, task, queue, rank, due, envelope)
    SELECT _ns, e.id, e.task, e.queue, e.rank, e.due, e.envelope
    FROM unnest(_next, stem.texts(_next_tasks), _next_queues, _next_ranks, _next_dues, stem.texts(_next_envelopes))
      AS e (id, task, queue, rank, due, envelope);
    -- As in add_tasks: by a later snapshot.
    IF EXISTS (
      SELECT FROM unnest(_next) AS e (id)
      WHERE (SELECT s.state FROM stem.statuses s WHERE s.ns = _ns AND s.id = e.id) IS NOT NULL
        OR (SELECT d.task FROM stem.dead_letters d WHERE d.ns = _ns AND d.id = e.id) IS NOT NULL
    ) THEN
      RAISE EXCEPTION 'one that follows has ended' USING ERRCODE = 'STEM1';
    END IF;
    _sent := true;
  END IF;
  IF _groups <> '' THEN
    _sent := stem.arrive_first(_ns, _now, stem.texts(_groups), _groups_of, _places, stem.texts(_texts)) OR _sent;
  END IF;
  IF _sent THEN
    PERFORM stem.ring(_ns, 0);
  END IF;
  RETURN NULL;
END $$;
