-- As before. Which slots are given back is looked up one by one, also where the server believes that there are none: see
-- what is said of comparisons at stem.settle.
CREATE OR REPLACE FUNCTION stem.free_slots(
  _ns integer, _now bigint, _until bigint, _forgotten bigint, _keys text, _mosts integer[], _of text, _ids text,
  _tokens integer[]
) RETURNS TABLE (key text, id text)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
BEGIN
  PERFORM stem.lock_limits(_ns, stem.texts(_keys));
  DELETE FROM stem.slots s USING (
    SELECT _ns AS ns, f.* FROM unnest(stem.texts(_of), stem.texts(_ids), _tokens) AS f (key, id, token) OFFSET 0
  ) AS f
  WHERE s.ns = ANY (ARRAY[f.ns]) AND s.key = f.key AND s.id = f.id AND s.token = f.token;
  RETURN QUERY SELECT * FROM stem.hand_slots(_ns, _now, _until, _forgotten, stem.texts(_keys), _mosts);
END $$;

-- As before, with its slots looked up likewise.
CREATE OR REPLACE FUNCTION stem.hand_slots(
  _ns integer, _now bigint, _until bigint, _forgotten bigint, _keys text[], _mosts integer[]
) RETURNS TABLE (key text, id text)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
BEGIN
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
