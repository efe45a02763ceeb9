-- What moves limits; the rule is that of core/task/limit.ts. Whoever touches keys locks their names first, in one order
-- and until the end of the transaction: so each call is one step. Names share a thousand locks, so that a call can not
-- use up the server's.
CREATE FUNCTION stem.lock_limits(_ns integer, _keys text[]) RETURNS void
  LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1400136047, l.place)
  FROM (SELECT DISTINCT hashtext(_ns || ' ' || k) & 1023 AS place FROM unnest(_keys) AS k ORDER BY 1) AS l;
END $$;

-- Asks for tokens and slots. A limit has either every and number (its burst), or number alone (its slots); wants are
-- the places of limits, those of an ask from its start on. Answers for each ask an instant, and the place of the limit
-- that refused it, 0 for a grant, or -1 for want of room. Where there are slots for all of them and nobody waits in a
-- line these are written at once; _once says that none asks twice for the same.
CREATE FUNCTION stem.take_limits(
  _ns integer, _now bigint, _until bigint, _keys text, _every float8[], _number float8[], _ids text, _tokens integer[],
  _starts integer[], _wants integer[], _room integer, _lead bigint, _late bigint, _ahead bigint, _idle bigint, _look bigint,
  _apart bigint, _forgotten bigint, _once boolean, OUT instants text, OUT places text
)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _names text[] := stem.texts(_keys);
  _asking text[] := stem.texts(_ids);
  _next float8[];
  _line float8[];
  _over float8[];
  _span float8[];
  _wait float8[];
  _taken integer[];
  _waiting integer[];
  _before integer[];
  _changed boolean[];
  _instants bigint[] := '{}';
  _places integer[] := '{}';
  _at float8;
  _token float8;
  _place integer;
  _last integer;
  _full integer;
  _bounded boolean;
  _rated boolean;
  _expired boolean;
BEGIN
  PERFORM stem.lock_limits(_ns, _names);
  SELECT array_agg(coalesce(b.next, 0) ORDER BY k.at), array_agg(coalesce(b.line, 0) ORDER BY k.at),
    array_agg(coalesce(b.over, 0) ORDER BY k.at), array_agg((k.number - 1) * k.every + least(k.every / 2, _late) ORDER BY k.at),
    array_agg(greatest(2 * k.every, _idle) ORDER BY k.at), array_agg(0 ORDER BY k.at), array_agg(false ORDER BY k.at),
    bool_or(k.every IS NULL), bool_or(k.every IS NOT NULL)
  INTO _next, _line, _over, _span, _wait, _before, _changed, _bounded, _rated
  FROM unnest(_names, _every, _number) WITH ORDINALITY AS k (key, every, number, at)
  LEFT JOIN stem.buckets b ON b.ns = _ns AND b.key = k.key AND k.every IS NOT NULL;
  IF _bounded THEN
    SELECT array_agg(c.held - c.over ORDER BY k.at), sum(c.over) > 0 INTO _taken, _expired
    FROM unnest(_names) WITH ORDINALITY AS k (key, at) CROSS JOIN LATERAL (
      SELECT count(*) AS held, count(*) FILTER (WHERE s.until <= _now) AS over
      FROM stem.slots s WHERE s.ns = _ns AND s.key = k.key
    ) AS c;
    IF _expired THEN
      DELETE FROM stem.slots s WHERE s.ns = _ns AND s.key = ANY (_names) AND s.until <= _now;
    END IF;
    IF _once AND NOT _rated AND _room >= cardinality(_asking)
      AND NOT EXISTS (SELECT FROM stem.lines l WHERE l.ns = _ns AND l.key = ANY (_names))
      AND NOT EXISTS (
        SELECT FROM (SELECT w.place, count(*) AS asked FROM unnest(_wants) AS w (place) GROUP BY w.place) AS c
        WHERE _taken[c.place] + c.asked > _number[c.place]
      )
    THEN
      INSERT INTO stem.slots AS s (ns, key, id, token, until)
      SELECT _ns, _names[_wants[w.at]], a.id, a.token, _until
      FROM unnest(_asking, _tokens) WITH ORDINALITY AS a (id, token, at)
      CROSS JOIN LATERAL generate_series(_starts[a.at], _starts[a.at + 1] - 1) AS w (at)
      ON CONFLICT (ns, key, id) DO UPDATE SET token = excluded.token, until = excluded.until;
      instants := repeat(_now || ',', cardinality(_asking) - 1) || _now;
      places := repeat('0,', cardinality(_asking) - 1) || '0';
      RETURN;
    END IF;
  END IF;
  _waiting := array_fill(NULL::integer, ARRAY[cardinality(_names)]);

  FOR _i IN 1 .. cardinality(_asking) LOOP
    _at := _now;
    _last := NULL;
    _full := NULL;
    FOR _w IN _starts[_i] .. _starts[_i + 1] - 1 LOOP
      _place := _wants[_w];
      IF _every[_place] IS NULL THEN
        IF _full IS NULL AND _taken[_place] >= _number[_place] AND NOT EXISTS (
          SELECT FROM stem.slots s WHERE s.ns = _ns AND s.key = _names[_place] AND s.id = _asking[_i]
        ) THEN
          _full := _place;
        END IF;
      ELSE
        _token := greatest(_next[_place], _now - _span[_place]);
        IF _token > _at THEN
          _at := _token;
          _last := _place;
        END IF;
      END IF;
    END LOOP;
    IF _full IS NOT NULL THEN
      IF _waiting[_full] IS NULL THEN
        DELETE FROM stem.lines l WHERE l.ns = _ns AND l.key = _names[_full] AND l.at <= _now - _forgotten;
        _waiting[_full] := (SELECT count(*) FROM stem.lines l WHERE l.ns = _ns AND l.key = _names[_full]);
      END IF;
      _at := _now + _look + ((_waiting[_full] + _before[_full]) * _apart) % _ahead;
      _before[_full] := _before[_full] + 1;
      _last := _full;
    ELSIF _last IS NOT NULL AND _at > _now + _lead THEN
      IF _line[_last] > _at AND _line[_last] <= _now + _ahead THEN
        _at := _line[_last];
      END IF;
      _line[_last] := _at + _every[_last];
      _changed[_last] := true;
    ELSIF _room < 1 THEN
      _last := -1;
    ELSE
      _last := 0;
      _room := _room - 1;
      FOR _w IN _starts[_i] .. _starts[_i + 1] - 1 LOOP
        _place := _wants[_w];
        IF _every[_place] IS NULL THEN
          INSERT INTO stem.slots AS s (ns, key, id, token, until)
          VALUES (_ns, _names[_place], _asking[_i], _tokens[_i], _until)
          ON CONFLICT (ns, key, id) DO NOTHING;
          IF FOUND THEN
            _taken[_place] := _taken[_place] + 1;
          ELSE
            UPDATE stem.slots s SET token = _tokens[_i], until = _until
            WHERE s.ns = _ns AND s.key = _names[_place] AND s.id = _asking[_i];
          END IF;
          DELETE FROM stem.lines l WHERE l.ns = _ns AND l.key = _names[_place] AND l.id = _asking[_i];
          IF FOUND THEN
            _waiting[_place] := _waiting[_place] - 1;
          END IF;
        ELSE
          IF _next[_place] < _now - _wait[_place] THEN
            _line[_place] := 0;
          END IF;
          _next[_place] := greatest(_next[_place], _now - _span[_place]) + _every[_place];
          _over[_place] := _next[_place] + greatest(_span[_place], _wait[_place]);
          _changed[_place] := true;
        END IF;
      END LOOP;
    END IF;
    _instants := array_append(_instants, ceil(_at)::bigint);
    _places := array_append(_places, _last);
  END LOOP;

  INSERT INTO stem.buckets AS b (ns, key, next, line, over)
  SELECT _ns, c.key, c.next, c.line, c.over FROM unnest(_names, _next, _line, _over, _changed) AS c (key, next, line, over, changed)
  WHERE c.changed
  ON CONFLICT (ns, key) DO UPDATE SET next = excluded.next, line = excluded.line, over = excluded.over;
  instants := array_to_string(_instants, ',');
  places := array_to_string(_places, ',');
END $$;

-- Hands free slots to the first of the lines; the keys are locked. Answers key and id of each. Nearly always nobody waits.
CREATE FUNCTION stem.hand_slots(
  _ns integer, _now bigint, _until bigint, _forgotten bigint, _keys text[], _mosts integer[]
) RETURNS TABLE (key text, id text)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (SELECT FROM stem.lines l WHERE l.ns = _ns AND l.key = ANY (_keys)) THEN
    RETURN;
  END IF;
  DELETE FROM stem.slots s USING (SELECT _ns AS ns, k.key FROM unnest(_keys) AS k (key) OFFSET 0) AS k
  WHERE s.ns = ANY (ARRAY[k.ns]) AND s.key = k.key AND s.until <= _now;
  RETURN QUERY
  WITH first AS MATERIALIZED (
    SELECT k.key, l.id FROM unnest(_keys, _mosts) AS k (key, most) CROSS JOIN LATERAL (
      SELECT l.id FROM stem.lines l WHERE l.ns = _ns AND l.key = k.key AND l.at > _now - _forgotten ORDER BY l.at, l.id
      LIMIT greatest(0, k.most - (SELECT count(*) FROM stem.slots s WHERE s.ns = _ns AND s.key = k.key))
    ) AS l
  ), gone AS (
    DELETE FROM stem.lines l USING first f WHERE l.ns = _ns AND l.key = f.key AND l.id = f.id
  )
  INSERT INTO stem.slots AS s (ns, key, id, token, until) SELECT _ns, f.key, f.id, 0, _until FROM first f
  ON CONFLICT DO NOTHING
  RETURNING s.key, s.id;
END $$;

-- Gives slots back and hands on what is free. Which are given back is looked up one by one, also where the server
-- believes that there are none: see what is said of comparisons at stem.settle. It is not flushed: a slot that a crash of
-- the server holds on to runs out as one of a lost worker does, and who waits in a line looks again by itself.
CREATE FUNCTION stem.free_slots(
  _ns integer, _now bigint, _until bigint, _forgotten bigint, _keys text, _mosts integer[], _of text, _ids text,
  _tokens integer[]
) RETURNS TABLE (key text, id text)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM stem.lock_limits(_ns, stem.texts(_keys));
  DELETE FROM stem.slots s USING (
    SELECT _ns AS ns, f.* FROM unnest(stem.texts(_of), stem.texts(_ids), _tokens) AS f (key, id, token) OFFSET 0
  ) AS f
  WHERE s.ns = ANY (ARRAY[f.ns]) AND s.key = f.key AND s.id = f.id AND s.token = f.token;
  RETURN QUERY SELECT * FROM stem.hand_slots(_ns, _now, _until, _forgotten, stem.texts(_keys), _mosts);
END $$;

-- Puts tasks into lines and hands on what is free.
CREATE FUNCTION stem.park_tasks(
  _ns integer, _now bigint, _until bigint, _forgotten bigint, _keys text, _mosts integer[], _of text, _ids text,
  _ats bigint[]
) RETURNS TABLE (key text, id text)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
BEGIN
  PERFORM stem.lock_limits(_ns, stem.texts(_keys));
  INSERT INTO stem.lines AS l (ns, key, id, at)
  SELECT _ns, w.key, w.id, max(w.at) FROM unnest(stem.texts(_of), stem.texts(_ids), _ats) AS w (key, id, at)
  WHERE NOT EXISTS (
    SELECT FROM stem.slots s WHERE s.ns = _ns AND s.key = w.key AND s.id = w.id AND s.until > _now
  )
  GROUP BY w.key, w.id
  ON CONFLICT (ns, key, id) DO UPDATE SET at = excluded.at;
  RETURN QUERY SELECT * FROM stem.hand_slots(_ns, _now, _until, _forgotten, stem.texts(_keys), _mosts);
END $$;
