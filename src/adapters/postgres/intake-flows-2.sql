-- As before. Where an id comes twice among tasks with keys, or one comes that has another's key, each task is stored by
-- itself: what is said of the one is to be true before the other has replaced it, and who is there again lives.
CREATE OR REPLACE FUNCTION stem.add_flows(
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
