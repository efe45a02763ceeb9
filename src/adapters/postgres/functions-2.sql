-- What moves schedules. Each is one statement of its caller, and so one transaction, also behind a pooler. Whoever
-- changes several locks them by name first, so that two who do it do not wait for each other. Lists come as JSON text.

-- As stem.ring, for those who wait for schedules: they have a lock of their own, so that enqueuing tells no Beat.
CREATE FUNCTION stem.ring_schedules(_ns integer) RETURNS void
  LANGUAGE plpgsql
AS $$
BEGIN
  IF pg_try_advisory_lock(1400136046, _ns) THEN
    PERFORM pg_advisory_unlock(1400136046, _ns);
  ELSE
    PERFORM pg_notify('stem_' || _ns, '2');
  END IF;
END $$;

-- A state with another next instant, or none.
CREATE FUNCTION stem.retimed(_state text, _next bigint) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT ((_state::jsonb - 'held' - 'nextAt')
    || CASE WHEN _next IS NULL THEN '{}' ELSE jsonb_build_object('nextAt', _next) END)::text
$$;

-- Removes schedules with their history and answers their names. What they do is over once they are locked, so the
-- history is looked up after that.
CREATE FUNCTION stem.drop_schedules(_ns integer, _names text[]) RETURNS SETOF text
  LANGUAGE plpgsql
  SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
BEGIN
  PERFORM FROM stem.schedules s WHERE s.ns = _ns AND s.name = ANY (_names) ORDER BY s.name FOR UPDATE;
  DELETE FROM stem.firings f WHERE f.ns = _ns AND f.name = ANY (_names);
  RETURN QUERY DELETE FROM stem.schedules s WHERE s.ns = _ns AND s.name = ANY (_names) RETURNING s.name;
END $$;

-- Stores definitions and answers, by place, what became of each: added, changed, same, or taken with the source that
-- has it. With a source to sync, those of it that are not among them go; they are answered as removed, by name.
CREATE FUNCTION stem.put_schedules(_ns integer, _puts text, _synced text)
  RETURNS TABLE (place integer, kind text, said text)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _names text[] := ARRAY(SELECT p->>'name' FROM json_array_elements(_puts::json) AS p);
  _gone text[];
  _known stem.schedules;
  _put record;
BEGIN
  PERFORM FROM stem.schedules s WHERE s.ns = _ns AND s.name = ANY (_names) ORDER BY s.name FOR UPDATE;
  FOR _put IN
    SELECT p.* FROM json_to_recordset(_puts::json)
      AS p (at integer, name text, source text, cadence text, definition text, next bigint)
    ORDER BY p.name COLLATE "C", p.at
  LOOP
    place := _put.at;
    kind := NULL;
    said := NULL;
    WHILE kind IS NULL LOOP
      SELECT s.* INTO _known FROM stem.schedules s WHERE s.ns = _ns AND s.name = _put.name FOR UPDATE;
      EXIT WHEN FOUND;
      INSERT INTO stem.schedules (ns, name, source, cadence, definition, state, wake)
      VALUES (_ns, _put.name, _put.source, _put.cadence, _put.definition,
        stem.retimed('{"runs":0,"failures":0,"open":[]}', _put.next), _put.next)
      ON CONFLICT DO NOTHING;
      IF FOUND THEN
        kind := 'added';
      END IF;
    END LOOP;
    IF kind IS NULL AND _known.source <> _put.source AND 'command' IN (_known.source, _put.source) THEN
      kind := 'taken';
      said := _known.source;
    ELSIF kind IS NULL AND _known.definition = _put.definition THEN
      kind := 'same';
    ELSIF kind IS NULL THEN
      kind := 'changed';
      UPDATE stem.schedules s SET source = _put.source, definition = _put.definition
      WHERE s.ns = _ns AND s.name = _put.name;
      IF _known.cadence <> _put.cadence THEN
        UPDATE stem.schedules s SET cadence = _put.cadence, state = stem.retimed(s.state, _put.next),
          wake = CASE WHEN s.paused IS NULL THEN _put.next END, token = s.token + 1, leased = false
        WHERE s.ns = _ns AND s.name = _put.name;
      END IF;
    END IF;
    RETURN NEXT;
  END LOOP;
  IF _synced IS NOT NULL THEN
    SELECT array_agg(g.name) INTO _gone FROM (
      SELECT s.name FROM stem.schedules s WHERE s.ns = _ns AND s.source = _synced AND s.name <> ALL (_names)
      ORDER BY s.name FOR UPDATE
    ) AS g;
    RETURN QUERY SELECT NULL::integer, 'removed', d FROM stem.drop_schedules(_ns, _gone) AS d;
  END IF;
  PERFORM stem.ring_schedules(_ns);
END $$;

-- Leases schedules that are due, the longest due first; those that others are about to change are stepped over. The
-- last row has no name: it says when the next one wakes.
CREATE FUNCTION stem.claim_schedules(_ns integer, _now bigint, _max integer, _until bigint)
  RETURNS TABLE (name text, token integer, definition text, state text, wake bigint)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH due AS MATERIALIZED (
    SELECT s.name, s.wake FROM stem.schedules s WHERE s.ns = _ns AND s.wake <= _now
    ORDER BY s.wake, s.name LIMIT _max FOR UPDATE SKIP LOCKED
  ), held AS (
    UPDATE stem.schedules s SET token = s.token + 1, leased = true, wake = _until
    FROM due WHERE s.ns = _ns AND s.name = due.name
    RETURNING s.name, s.token, s.definition, s.state, due.wake
  )
  SELECT held.* FROM held ORDER BY held.wake, held.name;
  RETURN QUERY SELECT NULL::text, NULL::integer, NULL::text, NULL::text, min(s.wake)
  FROM stem.schedules s WHERE s.ns = _ns AND s.wake IS NOT NULL;
END $$;

-- Writes down an instant. False: it is there already. One that was skipped may still be fired.
CREATE FUNCTION stem.note_firing(_ns integer, _name text, _firing json, _by_hand boolean) RETURNS boolean
  LANGUAGE plpgsql
AS $$
BEGIN
  INSERT INTO stem.firings AS f (ns, name, nominal, fired, task, skipped, by_hand)
  VALUES (_ns, _name, (_firing->>'nominal')::bigint, (_firing->>'fired')::bigint, _firing->>'id',
    _firing->>'skipped', _by_hand)
  ON CONFLICT (ns, name, nominal) DO UPDATE SET fired = excluded.fired, task = excluded.task, skipped = NULL,
    by_hand = excluded.by_hand
  WHERE f.task IS NULL AND excluded.task IS NOT NULL;
  RETURN FOUND;
END $$;

-- Lets the oldest instants go, once there are a good deal more than are to be kept.
CREATE FUNCTION stem.bound_firings(_ns integer, _name text, _more integer, _most integer) RETURNS void
  LANGUAGE plpgsql
AS $$
DECLARE
  _kept integer;
BEGIN
  IF _more = 0 THEN
    RETURN;
  END IF;
  UPDATE stem.schedules s SET kept = s.kept + _more WHERE s.ns = _ns AND s.name = _name RETURNING s.kept INTO _kept;
  IF _kept <= _most + 100 THEN
    RETURN;
  END IF;
  DELETE FROM stem.firings f WHERE f.ns = _ns AND f.name = _name AND f.nominal <= (
    SELECT o.nominal FROM stem.firings o WHERE o.ns = _ns AND o.name = _name ORDER BY o.nominal DESC LIMIT 1 OFFSET _most
  );
  UPDATE stem.schedules s SET kept = _most WHERE s.ns = _ns AND s.name = _name;
END $$;

-- Enqueues the tasks of firings that have one to be stored here. Answers the ids that are known already.
CREATE FUNCTION stem.send_firings(_ns integer, _sent json[]) RETURNS text
  LANGUAGE plpgsql
AS $$
DECLARE
  _known text[];
BEGIN
  SELECT stem.add_tasks(_ns, array_agg(f->>'id' ORDER BY at), array_agg(f->>'task' ORDER BY at),
    array_agg((f->>'queue')::integer ORDER BY at), array_agg((f->>'rank')::smallint ORDER BY at),
    array_agg((f->>'due')::bigint ORDER BY at), array_agg(f->>'envelope' ORDER BY at))
  INTO _known
  FROM unnest(_sent) WITH ORDINALITY AS s (f, at) WHERE f->>'envelope' IS NOT NULL
  HAVING count(*) > 0;
  IF FOUND THEN
    PERFORM stem.ring(_ns, 0);
  END IF;
  RETURN array_to_string(_known, chr(30));
END $$;

-- Stores what Beats have decided about schedules whose token is still the one. Answers a word for each turn: a letter
-- for each of its firings (fired, duplicate, skipped), or "-" when it is stale.
CREATE FUNCTION stem.commit_turns(_ns integer, _now bigint, _most integer, _turns text, OUT words text, OUT known text)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _turn json;
  _firing json;
  _word text;
  _words text[] := '{}';
  _sent json[] := '{}';
BEGIN
  PERFORM FROM stem.schedules s
  WHERE s.ns = _ns AND s.name = ANY (ARRAY(SELECT t->>'name' FROM json_array_elements(_turns::json) AS t))
  ORDER BY s.name FOR UPDATE;
  FOR _turn IN SELECT t FROM json_array_elements(_turns::json) AS t LOOP
    UPDATE stem.schedules s SET state = _turn->>'state', leased = false, why = _turn->>'why',
      paused = CASE WHEN _turn->>'why' IS NOT NULL THEN _now END,
      wake = CASE WHEN _turn->>'why' IS NULL THEN (_turn->>'wake')::bigint END
    WHERE s.ns = _ns AND s.name = _turn->>'name' AND s.token = (_turn->>'token')::integer AND s.leased;
    IF NOT FOUND THEN
      _words := array_append(_words, '-');
      CONTINUE;
    END IF;
    _word := '';
    FOR _firing IN SELECT f FROM json_array_elements(_turn->'firings') AS f LOOP
      IF NOT stem.note_firing(_ns, _turn->>'name', _firing, false) THEN
        _word := _word || 'd';
      ELSIF _firing->>'id' IS NULL THEN
        _word := _word || 's';
      ELSE
        _word := _word || 'f';
        _sent := array_append(_sent, _firing);
      END IF;
    END LOOP;
    PERFORM stem.bound_firings(_ns, _turn->>'name', length(_word), _most);
    _words := array_append(_words, _word);
  END LOOP;
  words := array_to_string(_words, ',');
  known := stem.send_firings(_ns, _sent);
  PERFORM stem.ring_schedules(_ns);
END $$;

-- Fires by hand. Answers a letter for each: fired, duplicate, missing.
CREATE FUNCTION stem.fire_by_hand(_ns integer, _most integer, _firings text, OUT words text, OUT known text)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _there text[];
  _firing json;
  _sent json[] := '{}';
BEGIN
  SELECT array_agg(l.name) INTO _there FROM (
    SELECT s.name FROM stem.schedules s
    WHERE s.ns = _ns AND s.name = ANY (ARRAY(SELECT f->>'name' FROM json_array_elements(_firings::json) AS f))
    ORDER BY s.name FOR UPDATE
  ) AS l;
  words := '';
  FOR _firing IN SELECT f FROM json_array_elements(_firings::json) AS f LOOP
    IF (_firing->>'name' = ANY (_there)) IS NOT TRUE THEN
      words := words || 'm';
    ELSIF NOT stem.note_firing(_ns, _firing->>'name', _firing, true) THEN
      words := words || 'd';
    ELSE
      words := words || 'f';
      _sent := array_append(_sent, _firing);
    END IF;
  END LOOP;
  PERFORM stem.bound_firings(_ns, f.name, f.more, _most)
  FROM (SELECT s->>'name' AS name, count(*)::integer AS more FROM unnest(_sent) AS s GROUP BY 1 ORDER BY 1) AS f;
  known := stem.send_firings(_ns, _sent);
END $$;
