-- As stem.ring, for those who wait for events (_class 1400136047, said as 3) or for commands (1400136048, said as 4).
CREATE FUNCTION stem.ring_class(_ns integer, _class integer, _said text) RETURNS void
  LANGUAGE plpgsql
AS $$
BEGIN
  IF pg_try_advisory_lock(_class, _ns) THEN
    PERFORM pg_advisory_unlock(_class, _ns);
  ELSE
    PERFORM pg_notify('stem_' || _ns, _said);
  END IF;
END $$;

-- Adds a batch of events and answers how many are kept. It is on the disk with the next commit that waits for it, so
-- that nothing is slower for being told.
CREATE FUNCTION stem.add_events(_ns integer, _now bigint, _count integer, _batch text) RETURNS bigint
  LANGUAGE plpgsql
AS $$
DECLARE
  _id bigint;
  _kept bigint;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO stem.event_books AS b (ns, last, kept) VALUES (_ns, _now, _count)
  ON CONFLICT (ns) DO UPDATE SET last = greatest(b.last + 1, excluded.last), kept = b.kept + excluded.kept
  RETURNING last, kept INTO _id, _kept;
  INSERT INTO stem.events (ns, id, count, batch) VALUES (_ns, _id, _count, _batch);
  PERFORM stem.ring_class(_ns, 1400136047, '3');
  RETURN _kept;
END $$;

-- Removes the oldest batches, at most so many, and answers how many events went.
CREATE FUNCTION stem.prune_events(_ns integer, _keep bigint, _before bigint, _most integer) RETURNS bigint
  LANGUAGE plpgsql
  SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _kept bigint;
  _id bigint;
  _gone bigint;
BEGIN
  SELECT b.kept INTO _kept FROM stem.event_books b WHERE b.ns = _ns FOR UPDATE;
  SELECT max(o.id), sum(o.count) INTO _id, _gone FROM (
    SELECT e.id, e.count, sum(e.count) OVER (ORDER BY e.id) - e.count AS earlier
    FROM (SELECT * FROM stem.events WHERE ns = _ns ORDER BY id LIMIT _most) AS e
  ) AS o WHERE o.id < _before OR _kept - o.earlier > _keep;
  IF _id IS NULL THEN
    RETURN 0;
  END IF;
  DELETE FROM stem.events e WHERE e.ns = _ns AND e.id <= _id;
  UPDATE stem.event_books b SET kept = b.kept - _gone, trimmed = _id WHERE b.ns = _ns;
  RETURN _gone;
END $$;
