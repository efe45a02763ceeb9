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

-- Stores the tasks of firings and answers the ids of those that were not.
CREATE FUNCTION stem.add_fired(
  _ns integer, _now bigint, _ids text[], _tasks text[], _queues integer[], _ranks smallint[], _dues bigint[],
  _envelopes text[], _fairs text[], _costs integer[], _keys text[], _modes text[], _holds bigint[]
) RETURNS text
  LANGUAGE plpgsql
AS $$
BEGIN
  RETURN (
    SELECT string_agg(d.id, chr(30)) FROM (
      SELECT k.id
      FROM stem.add_flows(_ns, _now, _ids, _tasks, _queues, _ranks, _dues, _envelopes, _fairs, _costs, _keys, _modes,
        _holds) AS a
      CROSS JOIN LATERAL unnest(_ids, a.kinds) AS k (id, kind)
      GROUP BY k.id HAVING bool_and(k.kind IS NOT DISTINCT FROM 'duplicate')
    ) AS d
  );
END $$;

-- Enqueues the tasks of firings that have one to be stored here. Answers the ids that are known already.
CREATE FUNCTION stem.send_firings(_ns integer, _sent json[]) RETURNS text
  LANGUAGE plpgsql
AS $$
DECLARE
  _known text;
BEGIN
  SELECT stem.add_fired(_ns, max(f.fired), array_agg(f.id ORDER BY s.at), array_agg(f.task ORDER BY s.at),
    array_agg(f.queue ORDER BY s.at), array_agg(f.rank ORDER BY s.at), array_agg(f.due ORDER BY s.at),
    array_agg(f.envelope ORDER BY s.at), array_agg(f.fair ORDER BY s.at), array_agg(f.cost ORDER BY s.at),
    array_agg(f.key ORDER BY s.at), array_agg(f.mode ORDER BY s.at), array_agg(f.hold ORDER BY s.at))
  INTO _known
  FROM unnest(_sent) WITH ORDINALITY AS s (one, at)
  CROSS JOIN LATERAL json_to_record(s.one) AS f (fired bigint, id text, task text, queue integer, rank smallint,
    due bigint, envelope text, fair text, cost integer, key text, mode text, hold bigint)
  WHERE f.envelope IS NOT NULL
  HAVING count(*) > 0;
  IF FOUND THEN
    PERFORM stem.ring(_ns, 0);
  END IF;
  RETURN _known;
END $$;

-- Stores what Beats have decided about schedules whose token is still the one, a set at a time: what is due at once is
-- stored by a handful of statements, however much it is. Answers a word for each turn: a letter for each of its firings
-- (fired, duplicate, skipped), or "-" when it is stale. What is kept in hand is looked up by key, and each schedule by
-- its name, whatever is known of how many there are: a plan made while there were none compared each with each.
CREATE FUNCTION stem.commit_turns(
  _ns integer, _now bigint, _most integer, _turns text, OUT words text, OUT known text
)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _long text[];
  _ids text[];
  _tasks text[];
  _queues integer[];
  _ranks smallint[];
  _dues bigint[];
  _envelopes text[];
  _fairs text[];
  _costs integer[];
  _keys text[];
  _modes text[];
  _holds bigint[];
  _flows boolean;
BEGIN
  PERFORM FROM (
    SELECT DISTINCT t.name COLLATE "C" AS name FROM json_to_recordset(_turns::json) AS t (name text) ORDER BY 1
  ) AS n
  CROSS JOIN LATERAL (SELECT FROM stem.schedules s WHERE s.ns = _ns AND s.name = n.name FOR UPDATE) AS l;
  WITH turns AS MATERIALIZED (
    SELECT t.*, row_number() OVER (PARTITION BY t.name, t.token ORDER BY t.at) AS nth
    FROM ROWS FROM (json_to_recordset(_turns::json)
      AS (name text, token integer, state text, wake bigint, why text, firings json)) WITH ORDINALITY
      AS t (name, token, state, wake, why, firings, at)
  ), closed AS (
    UPDATE stem.schedules s SET state = t.state, leased = false, why = t.why,
      paused = CASE WHEN t.why IS NOT NULL THEN _now END, wake = CASE WHEN t.why IS NULL THEN t.wake END,
      kept = s.kept + json_array_length(t.firings)
    FROM turns t
    WHERE s.ns = _ns AND s.name = t.name AND s.token = t.token AND s.leased AND t.nth = 1
    RETURNING t.at, s.name, s.kept, t.firings
  ), instants AS MATERIALIZED (
    SELECT c.at, c.name, f.*, row_number() OVER (PARTITION BY c.name, f.nominal ORDER BY f.place) AS nth
    FROM closed c, ROWS FROM (json_to_recordset(c.firings)
      AS (nominal bigint, fired bigint, id text, skipped text, task text, queue integer, rank smallint, due bigint,
        envelope text, fair text, cost integer, key text, mode text, hold bigint)) WITH ORDINALITY
      AS f (nominal, fired, id, skipped, task, queue, rank, due, envelope, fair, cost, key, mode, hold, place)
  ), noted AS (
    INSERT INTO stem.firings AS f (ns, name, nominal, fired, task, skipped, by_hand)
    SELECT _ns, i.name, i.nominal, i.fired, i.id, i.skipped, false FROM instants i WHERE i.nth = 1
    ON CONFLICT (ns, name, nominal) DO UPDATE SET fired = excluded.fired, task = excluded.task, skipped = NULL,
      by_hand = excluded.by_hand
    WHERE f.task IS NULL AND excluded.task IS NOT NULL
    RETURNING f.name, f.nominal
  ), keys AS MATERIALIZED (
    SELECT coalesce(jsonb_object_agg(n.name || ' ' || n.nominal, true), '{}') AS noted FROM noted n
  ), answers AS MATERIALIZED (
    SELECT i.*, CASE
      WHEN i.nth > 1 OR NOT keys.noted ? (i.name || ' ' || i.nominal) THEN 'd'
      WHEN i.id IS NULL THEN 's'
      ELSE 'f'
    END AS letter
    FROM keys, instants i
  ), lines AS (
    SELECT at, 0 AS place, '' AS letter, false AS held FROM turns
    UNION ALL SELECT at, 0, '', true FROM closed
    UNION ALL SELECT at, place, letter, true FROM answers
  )
  SELECT
    (SELECT string_agg(w.word, ',' ORDER BY w.at) FROM (
      SELECT l.at, CASE WHEN bool_or(l.held) THEN string_agg(l.letter, '' ORDER BY l.place) ELSE '-' END AS word
      FROM lines l GROUP BY l.at
    ) AS w),
    -- Not all at one time: schedules that fire together would be cut together.
    (SELECT array_agg(c.name) FROM closed c WHERE c.kept > _most + 50 + (hashtext(c.name) & 127)),
    sent.*
  INTO words, _long, _ids, _tasks, _queues, _ranks, _dues, _envelopes, _fairs, _costs, _keys, _modes, _holds, _flows
  FROM (
    SELECT array_agg(a.id), array_agg(a.task), array_agg(a.queue), array_agg(a.rank), array_agg(a.due),
      array_agg(a.envelope), array_agg(a.fair), array_agg(a.cost), array_agg(a.key), array_agg(a.mode),
      array_agg(a.hold), bool_or(coalesce(a.fair, a.key) IS NOT NULL)
    FROM (SELECT * FROM answers WHERE letter = 'f' AND envelope IS NOT NULL ORDER BY at, place) AS a
  ) AS sent;
  IF _long IS NOT NULL THEN
    DELETE FROM stem.firings f USING unnest(_long) AS l (name)
    WHERE f.ns = _ns AND f.name = l.name AND f.nominal <= (
      SELECT o.nominal FROM stem.firings o WHERE o.ns = _ns AND o.name = l.name
      ORDER BY o.nominal DESC LIMIT 1 OFFSET _most
    );
    UPDATE stem.schedules s SET kept = _most WHERE s.ns = _ns AND s.name = ANY (_long);
  END IF;
  IF _flows THEN
    known := stem.add_fired(_ns, _now, _ids, _tasks, _queues, _ranks, _dues, _envelopes, _fairs, _costs, _keys, _modes,
      _holds);
    PERFORM stem.ring(_ns, 0);
  ELSIF _ids IS NOT NULL THEN
    known := array_to_string(stem.add_tasks(_ns, _ids, _tasks, _queues, _ranks, _dues, _envelopes), chr(30));
    PERFORM stem.ring(_ns, 0);
  END IF;
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
