-- What joins groups. Acts are told apart in steps, each of which makes no difference in what order it is done: see
-- joins.ts. `of` orders what is sent. Whoever joins several groups locks them by id first, so that two who do it do not
-- wait for each other; and one that is not there is made first, so that neither who opens nor who arrives misses the other.
CREATE FUNCTION stem.lock_groups(_ns integer, _ids text[]) RETURNS void
  LANGUAGE plpgsql
AS $$
DECLARE
  _found integer;
BEGIN
  LOOP
    INSERT INTO stem.groups (ns, id)
    SELECT _ns, n.id FROM unnest(_ids) AS n (id)
    WHERE (SELECT g.number FROM stem.groups g WHERE g.ns = _ns AND g.id = n.id) IS NULL ORDER BY n.id
    ON CONFLICT DO NOTHING;
    PERFORM FROM (SELECT _ns AS ns, n.id FROM unnest(_ids) AS n (id) ORDER BY n.id OFFSET 0) AS n
    JOIN stem.groups g ON g.ns = ANY (ARRAY[n.ns]) AND g.id = n.id FOR UPDATE OF g;
    GET DIAGNOSTICS _found = ROW_COUNT;
    -- Else one has just been forgotten.
    EXIT WHEN _found = cardinality(_ids);
  END LOOP;
END $$;

-- Sends what the counts of these groups, which are locked, say is to be sent, if it was not yet; in their order. Answers
-- whether there was something. Rule: groupStateOf in core/task/group.ts.
CREATE FUNCTION stem.send_ended(_ns integer, _now bigint, _numbers bigint[]) RETURNS boolean
  LANGUAGE plpgsql
AS $$
DECLARE
  _ended bigint[];
  _lists json[];
BEGIN
  WITH turned AS (
    UPDATE stem.groups g SET ended = coalesce(g.ended, _now), over = coalesce(g.ended, _now), open = false,
      broke = g.broke OR g.failed > g.tolerate, complete = g.failed <= g.tolerate
    WHERE g.number = ANY (_numbers) AND g.size IS NOT NULL AND NOT g.complete
      AND CASE WHEN g.failed > g.tolerate THEN NOT g.broke ELSE g.arrived >= g.size END
    RETURNING g.number, g.complete
  )
  SELECT array_agg(t.number),
    array_agg(CASE WHEN t.complete THEN w.body ELSE w.broken END ORDER BY array_position(_numbers, t.number))
      FILTER (WHERE CASE WHEN t.complete THEN w.body ELSE w.broken END IS NOT NULL)
  INTO _ended, _lists
  FROM turned t LEFT JOIN stem.group_texts w ON w.number = ANY (ARRAY[t.number]);
  IF _lists IS NOT NULL THEN
    PERFORM stem.send_all(_ns, _now, _lists);
  END IF;
  RETURN _ended IS NOT NULL;
END $$;

-- Opens groups, given in JSON, and counts who arrives: once for each place; a success may follow a failure. Answers
-- whether something was sent.
CREATE FUNCTION stem.join_groups(
  _ns integer, _now bigint, _opens json, _of integer[], _steps integer[], _groups text[], _places integer[],
  _oks boolean[], _texts text[], _new boolean
) RETURNS boolean
  LANGUAGE plpgsql
AS $$
DECLARE
  _last integer;
  _numbers bigint[];
  _sent boolean := false;
BEGIN
  PERFORM stem.lock_groups(_ns, ARRAY(
    SELECT n.id FROM unnest(_groups) AS n (id) UNION SELECT o.id FROM json_to_recordset(_opens) AS o (id text) ORDER BY 1
  ));
  _last := greatest(
    (SELECT max(s) FROM unnest(_steps) AS s), (SELECT max(o.step) FROM json_to_recordset(_opens) AS o (step integer))
  );
  FOR _step IN 1 .. _last LOOP
    _numbers := '{}';
    IF _opens IS NOT NULL THEN
      WITH opened AS (
        UPDATE stem.groups g SET size = o.size, tolerate = o.tolerate, opened = o.opened, over = NULL, open = true
        FROM (
          SELECT _ns AS ns, o.* FROM json_to_recordset(_opens) AS o (step integer, of integer, id text, size integer,
            tolerate integer, opened bigint, definition text, body json, broken json)
          WHERE o.step = _step OFFSET 0
        ) AS o
        WHERE g.ns = ANY (ARRAY[o.ns]) AND g.id = o.id AND g.size IS NULL
        RETURNING g.number, o.of, o.definition, o.body, o.broken
      ), written AS (
        INSERT INTO stem.group_texts (number, definition, body, broken)
        SELECT number, definition, body, broken FROM opened
      )
      SELECT coalesce(array_agg(number ORDER BY of), '{}') INTO _numbers FROM opened;
    END IF;
    IF _groups IS NOT NULL AND _new THEN
      WITH come AS MATERIALIZED (
        SELECT g.number, c.* FROM (
          SELECT _ns AS ns, c.* FROM unnest(_of, _steps, _groups, _places, _oks, _texts)
            AS c (of, step, id, place, ok, text)
          WHERE c.step = _step OFFSET 0
        ) AS c
        JOIN stem.groups g ON g.ns = ANY (ARRAY[c.ns]) AND g.id = c.id
      ), kept AS (
        INSERT INTO stem.arrivals (number, place, ok, arrival) SELECT number, place, ok, text FROM come
      ), counted AS (
        UPDATE stem.groups g SET arrived = g.arrived + k.arrived, failed = g.failed + k.failed,
          over = CASE WHEN g.size IS NULL THEN _now ELSE g.over END,
          open = g.size IS NOT NULL AND NOT g.complete AND (g.ended IS NULL OR g.failed + k.failed <= g.tolerate)
        FROM (
          SELECT number, count(*)::integer AS arrived, (count(*) FILTER (WHERE NOT ok))::integer AS failed, max(of) AS of
          FROM come GROUP BY number
        ) AS k
        WHERE g.number = ANY (ARRAY[k.number])
        RETURNING g.number, k.of
      )
      SELECT coalesce(_numbers || array_agg(d.number ORDER BY d.of), _numbers) INTO _numbers FROM counted d;
    ELSIF _groups IS NOT NULL THEN
      WITH come AS MATERIALIZED (
        SELECT g.number, c.* FROM (
          SELECT _ns AS ns, c.* FROM unnest(_of, _steps, _groups, _places, _oks, _texts)
            AS c (of, step, id, place, ok, text)
          WHERE c.step = _step OFFSET 0
        ) AS c
        JOIN stem.groups g ON g.ns = ANY (ARRAY[c.ns]) AND g.id = c.id
      ), kept AS (
        INSERT INTO stem.arrivals AS a (number, place, ok, arrival)
        SELECT number, place, ok, text FROM come
        ON CONFLICT (number, place) DO UPDATE SET ok = true, arrival = excluded.arrival WHERE excluded.ok AND NOT a.ok
        RETURNING a.number, a.ok, xmax = 0 AS fresh
      ), counted AS (
        UPDATE stem.groups g SET arrived = g.arrived + k.arrived, failed = g.failed + k.failed,
          over = CASE WHEN g.size IS NULL THEN _now ELSE g.over END,
          open = g.size IS NOT NULL AND NOT g.complete AND (g.ended IS NULL OR g.failed + k.failed <= g.tolerate)
        FROM (
          SELECT number, (count(*) FILTER (WHERE fresh))::integer AS arrived,
            (count(*) FILTER (WHERE fresh AND NOT ok) - count(*) FILTER (WHERE NOT fresh))::integer AS failed
          FROM kept GROUP BY number
        ) AS k
        WHERE g.number = ANY (ARRAY[k.number])
      )
      SELECT coalesce(_numbers || array_agg(o.number ORDER BY o.of), _numbers) INTO _numbers FROM (
        SELECT c.number, max(c.of) AS of FROM come c GROUP BY c.number
      ) AS o;
    END IF;
    IF cardinality(_numbers) > 0 AND stem.send_ended(_ns, _now, _numbers) THEN
      _sent := true;
    END IF;
  END LOOP;
  RETURN _sent;
END $$;

-- Looks at open groups, the oldest first, and sends what should have been sent and was not. Answers those.
CREATE FUNCTION stem.sweep_groups(_ns integer, _now bigint, _max integer)
  RETURNS TABLE (id text, size integer, tolerate integer, arrived integer, failed integer, ended bigint,
    definition text, body json, broken json)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _group record;
  _counts record;
BEGIN
  FOR _group IN
    SELECT g.number, g.id, g.size, g.tolerate, g.broke FROM stem.groups g
    WHERE g.ns = _ns AND g.open ORDER BY g.opened, g.id LIMIT _max
  LOOP
    SELECT count(*)::integer AS arrived, (count(*) FILTER (WHERE NOT a.ok))::integer AS failed INTO _counts
    FROM stem.arrivals a WHERE a.number = _group.number;
    CONTINUE WHEN CASE WHEN _counts.failed > _group.tolerate THEN _group.broke ELSE _counts.arrived < _group.size END;
    -- As it looks: now it is counted again while nobody can arrive.
    PERFORM stem.lock_groups(_ns, ARRAY[_group.id]);
    SELECT count(*)::integer AS arrived, (count(*) FILTER (WHERE NOT a.ok))::integer AS failed INTO _counts
    FROM stem.arrivals a WHERE a.number = _group.number;
    RETURN QUERY
    WITH found AS (
      SELECT g.* FROM stem.groups g WHERE g.number = _group.number
    ), counted AS (
      UPDATE stem.groups g SET arrived = _counts.arrived, failed = _counts.failed WHERE g.number = _group.number
    )
    SELECT f.id, f.size, f.tolerate, _counts.arrived, _counts.failed, f.ended, w.definition, w.body, w.broken
    FROM found f LEFT JOIN stem.group_texts w ON w.number = f.number
    WHERE NOT f.complete AND CASE WHEN _counts.failed > f.tolerate THEN NOT f.broke ELSE _counts.arrived >= f.size END;
    PERFORM stem.send_ended(_ns, _now, ARRAY[_group.number]);
  END LOOP;
  PERFORM stem.ring(_ns, 0);
END $$;

-- Forgets groups that nobody needs since before an instant, at most so many, and so many members. Answers how many
-- groups, and whether that was all of them.
CREATE FUNCTION stem.prune_groups(
  _ns integer, _before bigint, _max integer, _members integer, OUT removed integer, OUT done boolean
)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _number bigint;
  _gone integer;
BEGIN
  removed := 0;
  done := true;
  FOR _number IN
    SELECT g.number FROM stem.groups g WHERE g.ns = _ns AND g.over < _before ORDER BY g.over LIMIT _max
    FOR UPDATE SKIP LOCKED
  LOOP
    DELETE FROM stem.arrivals a WHERE a.ctid = ANY (ARRAY(
      SELECT o.ctid FROM stem.arrivals o WHERE o.number = _number ORDER BY o.place LIMIT _members
    ));
    GET DIAGNOSTICS _gone = ROW_COUNT;
    _members := _members - _gone;
    IF _members <= 0 THEN
      done := false;
      RETURN;
    END IF;
    DELETE FROM stem.group_texts w WHERE w.number = _number;
    DELETE FROM stem.groups g WHERE g.number = _number;
    removed := removed + 1;
  END LOOP;
END $$;

-- Forgets unique keys after a given one, in their order, that nobody has any more: the holder neither waits nor runs,
-- and no window lasts. Looks at so many, and answers how many it forgot and how far it has looked; null for the end.
CREATE FUNCTION stem.forget_keys(
  _ns integer, _now bigint, _after text, _looks integer, _max integer, OUT forgotten integer, OUT looked text
)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _keys text[];
  _free text[];
BEGIN
  _keys := ARRAY(SELECT k.key FROM stem.unique_keys k WHERE k.ns = _ns AND k.key > _after ORDER BY k.key LIMIT _looks);
  looked := CASE WHEN cardinality(_keys) = _looks THEN _keys[_looks] END;
  -- Locked first, and looked at by a later snapshot: somebody may just have taken one.
  _free := ARRAY(
    SELECT k.key FROM stem.unique_keys k WHERE k.ns = _ns AND k.key = ANY (_keys) AND coalesce(k.until, 0) <= _now
      AND NOT EXISTS (SELECT FROM stem.tasks t WHERE t.ns = _ns AND t.id = k.task)
    ORDER BY k.key LIMIT _max FOR UPDATE OF k SKIP LOCKED
  );
  DELETE FROM stem.unique_keys k WHERE k.ns = _ns AND k.key = ANY (_free) AND coalesce(k.until, 0) <= _now
    AND NOT EXISTS (SELECT FROM stem.tasks t WHERE t.ns = _ns AND t.id = k.task);
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  IF cardinality(_free) = _max THEN
    looked := _free[_max];
  END IF;
END $$;
