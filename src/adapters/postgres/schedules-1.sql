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

-- Removes schedules with their history and answers their names. What they do is over once they are locked, so the
-- history is looked up after that. Each is found by its name, whatever is known of how many there are.
CREATE FUNCTION stem.drop_schedules(_ns integer, _names text[]) RETURNS SETOF text
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
BEGIN
  PERFORM FROM (SELECT DISTINCT n.name COLLATE "C" AS name FROM unnest(_names) AS n (name) ORDER BY 1) AS n
  CROSS JOIN LATERAL (SELECT FROM stem.schedules s WHERE s.ns = _ns AND s.name = n.name FOR UPDATE) AS l;
  DELETE FROM stem.firings f WHERE f.ctid = ANY (ARRAY(
    SELECT l.ctid FROM unnest(_names) AS n (name)
    CROSS JOIN LATERAL (SELECT f.ctid FROM stem.firings f WHERE f.ns = _ns AND f.name = n.name OFFSET 0) AS l
  ));
  RETURN QUERY DELETE FROM stem.schedules s WHERE s.ctid = ANY (ARRAY(
    SELECT l.ctid FROM unnest(_names) AS n (name)
    CROSS JOIN LATERAL (SELECT s.ctid FROM stem.schedules s WHERE s.ns = _ns AND s.name = n.name OFFSET 0) AS l
  )) RETURNING s.name;
END $$;

-- Leases schedules that are due, the longest due first; those that others are about to change are stepped over. The
-- last row has no name: it says when the next one wakes.
CREATE FUNCTION stem.claim_schedules(_ns integer, _now bigint, _max integer, _until bigint)
  RETURNS TABLE (name text, token integer, definition text, state text, wake bigint)
  LANGUAGE plpgsql
  SET enable_bitmapscan = off SET enable_sort = off
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
