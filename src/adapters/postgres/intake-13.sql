-- The state of a task that is there; null for one that is not known.
CREATE OR REPLACE FUNCTION stem.state_of(_ns integer, _id text, _now bigint) RETURNS text
  LANGUAGE plpgsql
AS $$
BEGIN
  RETURN coalesce(
    (SELECT CASE WHEN t.until IS NOT NULL THEN 'running' WHEN t.attempts > 0 THEN 'retrying'
       WHEN t.due > _now THEN 'scheduled' ELSE 'queued' END FROM stem.live t WHERE t.ns = _ns AND t.id = _id),
    (SELECT s.state FROM stem.statuses s WHERE s.ns = _ns AND s.id = _id),
    (SELECT 'failed' FROM stem.dead_letters d WHERE d.ns = _ns AND d.id = _id)
  );
END $$;

-- As before; what is leased by a reservation is not replaced.
CREATE OR REPLACE FUNCTION stem.add_apart(
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
  WHERE EXISTS (SELECT FROM stem.statuses s WHERE s.ns = _ns AND s.id = e.id)
     OR EXISTS (SELECT FROM stem.dead_letters d WHERE d.ns = _ns AND d.id = e.id);
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
