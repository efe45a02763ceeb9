-- Whatever is known of how many schedules there are, those to be removed are found by their names: each was compared with
-- all names of the list.
CREATE OR REPLACE FUNCTION stem.drop_schedules(_ns integer, _names text[]) RETURNS SETOF text
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
