-- Stores tasks of which no two have the same id or key. Answers by place: what became of it where it was not stored
-- ("duplicate", "replaced"), the task that is there instead, and its state. What is leased is not replaced.
CREATE FUNCTION stem.add_apart(
  _ns integer, _now bigint, _ids text[], _tasks text[], _queues integer[], _ranks smallint[], _dues bigint[],
  _envelopes text[], _fairs text[], _costs integer[], _keys text[], _modes text[], _holds bigint[],
  OUT kinds text[], OUT others text[], OUT states text[]
)
  LANGUAGE plpgsql
AS $$
DECLARE
  _places integer[] := '{}';
  _holders text[];
  _untils bigint[];
  _fresh boolean[];
  _stored text[];
  _over text[];
  _place integer;
  _due bigint;
  _mode text;
  _holder record;
  _lives boolean;
  _held boolean;
  _missing record;
BEGIN
  kinds := array_fill(NULL::text, ARRAY[cardinality(_ids)]);
  others := kinds;
  states := kinds;
  IF _keys IS NOT NULL THEN
    SELECT coalesce(array_agg(e.at ORDER BY e.key COLLATE "C"), '{}') INTO _places
    FROM unnest(_keys) WITH ORDINALITY AS e (key, at) WHERE e.key IS NOT NULL;
    -- Each row of it is answered, in the order of the keys: those that were there are locked by writing them as they are.
    WITH taken AS (
      INSERT INTO stem.unique_keys AS k (ns, key, task, until)
      SELECT _ns, e.key, e.id, _now + e.hold FROM unnest(_keys, _ids, _holds) AS e (key, id, hold)
      WHERE e.key IS NOT NULL ORDER BY e.key COLLATE "C"
      ON CONFLICT (ns, key) DO UPDATE SET task = k.task
      RETURNING k.task, k.until, xmax = 0 AS fresh
    )
    SELECT array_agg(task), array_agg(until), array_agg(fresh) INTO _holders, _untils, _fresh FROM taken;
    IF false = ANY (_fresh) THEN
      FOR _n IN 1 .. cardinality(_places) LOOP
        _place := _places[_n];
        CONTINUE WHEN _fresh[_n] OR stem.state_of(_ns, _ids[_place], _now) IS NOT NULL;
        _mode := _modes[_place];
        _held := coalesce(_untils[_n] > _now, false);
        SELECT t.until IS NULL AND t.attempts = 0 AS waits INTO _holder
        FROM stem.live t WHERE t.ns = _ns AND t.id = _holders[_n];
        _lives := FOUND;
        IF (_mode = 'live' AND _lives) OR (_mode = 'throttle' AND _held) OR (_mode = 'window' AND (_held OR _lives)) THEN
          kinds[_place] := 'duplicate';
        ELSIF _mode IN ('debounce', 'replace') AND _lives AND _holder.waits THEN
          PERFORM stem.lock_waiting(_ns);
          -- It becomes what the new one brings, under its own id; of a field that stands there twice the last one counts.
          UPDATE stem.tasks t SET task = _tasks[_place], queue = _queues[_place], rank = _ranks[_place],
            fair = _fairs[_place], cost = _costs[_place],
            due = CASE _mode WHEN 'debounce' THEN _dues[_place] ELSE t.due END,
            envelope = left(_envelopes[_place], -1) || ',"id":' || to_json(t.id)::text || ',"dueAt":'
              || CASE _mode WHEN 'debounce' THEN _dues[_place] ELSE t.due END || '}'
          WHERE t.ns = _ns AND t.id = _holders[_n] AND t.until IS NULL AND t.attempts = 0
            AND (t.token > 0 OR NOT stem.is_reserved(t))
          RETURNING t.due INTO _due;
          IF FOUND THEN
            kinds[_place] := 'replaced';
            IF _fairs[_place] IS NOT NULL THEN
              INSERT INTO stem.fair_news (queue, rank, key, due)
              VALUES (_queues[_place], _ranks[_place], _fairs[_place], _due);
            END IF;
          END IF;
        END IF;
        IF kinds[_place] IS NOT NULL THEN
          others[_place] := _holders[_n];
          -- One that left no trace has succeeded, and its results live elsewhere.
          states[_place] := coalesce(stem.state_of(_ns, _holders[_n], _now), 'succeeded');
        END IF;
      END LOOP;
    END IF;
  END IF;

  WITH stored AS (
    INSERT INTO stem.tasks (ns, id, task, queue, rank, due, envelope, fair, cost)
    SELECT _ns, e.id, e.task, e.queue, e.rank, e.due, e.envelope, e.fair, e.cost
    FROM unnest(_ids, _tasks, _queues, _ranks, _dues, _envelopes, _fairs, _costs, kinds) WITH ORDINALITY
      AS e (id, task, queue, rank, due, envelope, fair, cost, kind, at)
    WHERE e.kind IS NULL ORDER BY e.at
    ON CONFLICT (ns, id) DO NOTHING
    RETURNING id
  )
  SELECT coalesce(array_agg(id), '{}') INTO _stored FROM stored;
  IF _fairs IS NOT NULL THEN
    INSERT INTO stem.fair_news (queue, rank, key, due)
    SELECT e.queue, e.rank, e.fair, min(e.due) FROM unnest(_queues, _ranks, _fairs, _dues) AS e (queue, rank, fair, due)
    WHERE e.fair IS NOT NULL GROUP BY e.queue, e.rank, e.fair;
  END IF;
  -- As in add_tasks: by a later snapshot.
  SELECT array_agg(e.id) INTO _over FROM unnest(_stored) AS e (id)
  WHERE (SELECT s.state FROM stem.statuses s WHERE s.ns = _ns AND s.id = e.id) IS NOT NULL
     OR (SELECT d.task FROM stem.dead_letters d WHERE d.ns = _ns AND d.id = e.id) IS NOT NULL;
  IF _over IS NOT NULL THEN
    DELETE FROM stem.tasks t WHERE t.ns = _ns AND t.id = ANY (_over);
  END IF;
  IF _over IS NOT NULL OR cardinality(_stored) < cardinality(_ids) THEN
    FOR _missing IN
      SELECT e.id, e.at FROM unnest(_ids, kinds) WITH ORDINALITY AS e (id, kind, at) WHERE e.kind IS NULL AND e.id IN (
        SELECT n.id FROM unnest(_ids) AS n (id) EXCEPT SELECT s.id FROM unnest(_stored) AS s (id)
        UNION ALL SELECT o.id FROM unnest(_over) AS o (id)
      )
    LOOP
      kinds[_missing.at] := 'duplicate';
      others[_missing.at] := _missing.id;
      states[_missing.at] := coalesce(stem.state_of(_ns, _missing.id, _now), 'succeeded');
    END LOOP;
  END IF;

  -- Who was stored has the key, and who was known already has taken none.
  FOR _n IN 1 .. cardinality(_places) LOOP
    _place := _places[_n];
    IF _fresh[_n] AND kinds[_place] IS NOT NULL THEN
      DELETE FROM stem.unique_keys k WHERE k.ns = _ns AND k.key = _keys[_place];
    ELSIF NOT _fresh[_n] AND kinds[_place] IS NULL THEN
      UPDATE stem.unique_keys k SET task = _ids[_place], until = _now + _holds[_place]
      WHERE k.ns = _ns AND k.key = _keys[_place];
    END IF;
  END LOOP;
END $$;

-- The same for any tasks, as if each were stored after the ones before it. Where keys come more than once, and so not in
-- their order, those that are there are locked in it first. And who may replace what waits has its turn before it has a
-- key: otherwise two of them, and all reserves behind them, would stand until the server ends one.
-- Where an id comes twice among tasks with keys, or one comes that has another's key, each task is stored by itself: what
-- is said of the one is to be true before the other has replaced it, and who is there again lives.
CREATE FUNCTION stem.add_flows(
  _ns integer, _now bigint, _ids text[], _tasks text[], _queues integer[], _ranks smallint[], _dues bigint[],
  _envelopes text[], _fairs text[], _costs integer[], _keys text[], _modes text[], _holds bigint[],
  OUT kinds text[], OUT others text[], OUT states text[]
)
  LANGUAGE plpgsql
AS $$
DECLARE
  _before bigint[];
  _from integer := 1;
  _more record;
BEGIN
  -- By place, where the same id or key stands before it.
  SELECT array_agg(coalesce(greatest(e.id_at, e.key_at), 0) ORDER BY e.at) INTO _before FROM (
    SELECT n.at, lag(n.at) OVER (PARTITION BY n.id ORDER BY n.at) AS id_at,
      CASE WHEN n.key IS NOT NULL THEN lag(n.at) OVER (PARTITION BY n.key ORDER BY n.at) END AS key_at
    FROM unnest(_ids, _keys) WITH ORDINALITY AS n (id, key, at)
  ) AS e;
  IF _modes && ARRAY['debounce', 'replace'] THEN
    PERFORM stem.lock_waiting(_ns);
  END IF;
  IF EXISTS (SELECT FROM unnest(_before) AS b WHERE b > 0) THEN
    PERFORM FROM stem.unique_keys k WHERE k.ns = _ns AND k.key = ANY (_keys) ORDER BY k.key COLLATE "C" FOR UPDATE;
  END IF;
  -- One by one and by a table in memory, for a call may bring ten thousand.
  IF _keys IS NOT NULL AND (
    (SELECT count(*) > count(DISTINCT n.id) FROM unnest(_ids) AS n (id)) OR EXISTS (
      SELECT FROM (
        SELECT n.id, (SELECT k.task FROM stem.unique_keys k WHERE k.ns = _ns AND k.key = n.key) AS task
        FROM unnest(_ids, _keys) AS n (id, key) OFFSET 0
      ) AS h
      WHERE CASE WHEN h.task <> h.id THEN h.task IN (SELECT o.id FROM unnest(_ids) AS o (id)) END
    )
  ) THEN
    _before := ARRAY(SELECT generate_series(0, cardinality(_ids) - 1));
  END IF;
  FOR _at IN 2 .. cardinality(_ids) + 1 LOOP
    CONTINUE WHEN _at <= cardinality(_ids) AND _before[_at] < _from;
    SELECT a.* INTO _more FROM stem.add_apart(_ns, _now, _ids[_from:_at - 1], _tasks[_from:_at - 1],
      _queues[_from:_at - 1], _ranks[_from:_at - 1], _dues[_from:_at - 1], _envelopes[_from:_at - 1],
      _fairs[_from:_at - 1], _costs[_from:_at - 1], _keys[_from:_at - 1], _modes[_from:_at - 1],
      _holds[_from:_at - 1]) AS a;
    kinds := kinds || _more.kinds;
    others := others || _more.others;
    states := states || _more.states;
    _from := _at;
  END LOOP;
END $$;

-- Stores tasks, then opens groups. Answers lists of what became of the tasks; see add_apart.
CREATE FUNCTION stem.enqueue_flows(
  _ns integer, _now bigint, _ids text, _tasks text, _queues integer[], _ranks smallint[], _dues bigint[], _envelopes text,
  _fairs text, _costs integer[], _keys text, _modes text, _holds bigint[], _opens text,
  OUT kinds text, OUT others text, OUT states text
)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _added record;
BEGIN
  IF _ids <> '' THEN
    SELECT a.* INTO _added FROM stem.add_flows(_ns, _now, stem.texts(_ids), stem.texts(_tasks), _queues, _ranks, _dues,
      stem.texts(_envelopes), stem.texts(_fairs), _costs, stem.texts(_keys), stem.texts(_modes), _holds) AS a;
    kinds := array_to_string(_added.kinds, chr(30), '');
    others := array_to_string(_added.others, chr(30), '');
    states := array_to_string(_added.states, chr(30), '');
  END IF;
  IF _opens IS NOT NULL THEN
    PERFORM stem.join_groups(_ns, _now, _opens::json, NULL, NULL, NULL, NULL, NULL, NULL, false);
  END IF;
  PERFORM stem.ring(_ns, 0);
END $$;

-- Stores what groups send, given as lists of tasks in JSON.
CREATE FUNCTION stem.send_all(_ns integer, _now bigint, _lists json[]) RETURNS void
  LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM FROM (
    SELECT array_agg(s.id ORDER BY s.at, s.n) AS ids, array_agg(s.task ORDER BY s.at, s.n) AS tasks,
      array_agg(s.queue ORDER BY s.at, s.n) AS queues, array_agg(s.rank ORDER BY s.at, s.n) AS ranks,
      array_agg(greatest(s.due, _now) ORDER BY s.at, s.n) AS dues,
      array_agg(CASE WHEN s.due >= _now THEN s.envelope ELSE left(s.envelope, -1) || ',"dueAt":' || _now || '}' END
        ORDER BY s.at, s.n) AS envelopes,
      array_agg(s.fair ORDER BY s.at, s.n) AS fairs, array_agg(s.cost ORDER BY s.at, s.n) AS costs,
      array_agg(s.key ORDER BY s.at, s.n) AS keys, array_agg(s.mode ORDER BY s.at, s.n) AS modes,
      array_agg(s.hold ORDER BY s.at, s.n) AS holds
    FROM (
      SELECT l.at, e.n, f.* FROM unnest(_lists) WITH ORDINALITY AS l (list, at)
      CROSS JOIN LATERAL json_array_elements(l.list) WITH ORDINALITY AS e (one, n)
      CROSS JOIN LATERAL json_to_record(e.one) AS f (id text, task text, queue integer, rank smallint, due bigint,
        envelope text, fair text, cost integer, key text, mode text, hold bigint)
    ) AS s
    HAVING count(*) > 0
  ) AS l CROSS JOIN LATERAL stem.add_flows(_ns, _now, l.ids, l.tasks, l.queues, l.ranks, l.dues, l.envelopes, l.fairs,
    l.costs, l.keys, l.modes, l.holds);
END $$;
