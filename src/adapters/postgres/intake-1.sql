-- The hot verbs. Each is one round trip and one transaction, also behind a pooler. Plans are pinned to the indexes:
-- a plan made while a table was empty must not read the whole of it when it is full. Lists of texts come as one
-- text, parted by the character 30, which is in no id, name or JSON text: nothing has to be escaped.
CREATE FUNCTION stem.texts(_joined text) RETURNS text[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT string_to_array(_joined, chr(30), '') $$;

-- Tells those who wait, if there are any: they share a lock, which this tries to take alone. NOTIFY lets only one
-- transaction of the whole server commit at a time, so nobody pays for it while nobody listens.
CREATE FUNCTION stem.ring(_ns integer, _kind integer) RETURNS void
  LANGUAGE plpgsql
AS $$
BEGIN
  IF pg_try_advisory_lock(1400136045, _ns * 2 + _kind) THEN
    PERFORM pg_advisory_unlock(1400136045, _ns * 2 + _kind);
  ELSE
    PERFORM pg_notify('stem_' || _ns, _kind::text);
  END IF;
END $$;

-- Stores tasks whose ids are unknown and answers those that are known already. What is ended or dead is looked up
-- after the insert, by a later snapshot: an id that ended in between left its live row before the insert and its
-- status after the look otherwise. One by one: an EXISTS may be done by reading all that a table has that is believed empty.
CREATE FUNCTION stem.add_tasks(
  _ns integer, _ids text[], _tasks text[], _queues integer[], _ranks smallint[], _dues bigint[], _envelopes text[]
) RETURNS text[]
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _stored text[];
  _over text[];
BEGIN
  WITH stored AS (
    INSERT INTO stem.tasks (ns, id, task, queue, rank, due, envelope)
    SELECT _ns, e.id, e.task, e.queue, e.rank, e.due, e.envelope
    FROM unnest(_ids, _tasks, _queues, _ranks, _dues, _envelopes) AS e (id, task, queue, rank, due, envelope)
    ON CONFLICT (ns, id) DO NOTHING
    RETURNING id
  )
  SELECT array_agg(id) INTO _stored FROM stored;
  SELECT array_agg(e.id) INTO _over FROM unnest(_stored) AS e (id)
  WHERE (SELECT s.state FROM stem.statuses s WHERE s.ns = _ns AND s.id = e.id) IS NOT NULL
     OR (SELECT d.task FROM stem.dead_letters d WHERE d.ns = _ns AND d.id = e.id) IS NOT NULL;
  IF _over IS NULL AND cardinality(_stored) = cardinality(_ids) THEN
    RETURN NULL;
  END IF;
  DELETE FROM stem.tasks t WHERE t.ns = _ns AND t.id = ANY (_over);
  RETURN ARRAY(
    SELECT e.id FROM unnest(_ids) AS e (id) EXCEPT SELECT e.id FROM unnest(_stored) AS e (id)
    UNION SELECT e.id FROM unnest(_over) AS e (id)
  );
END $$;

CREATE FUNCTION stem.enqueue(
  _ns integer, _ids text, _tasks text, _queues integer[], _ranks smallint[], _dues bigint[], _envelopes text
) RETURNS text
  LANGUAGE plpgsql
AS $$
DECLARE
  _known text[];
BEGIN
  _known := stem.add_tasks(_ns, stem.texts(_ids), stem.texts(_tasks), _queues, _ranks, _dues, stem.texts(_envelopes));
  PERFORM stem.ring_ready(_ns, _queues[1], _dues[1]);
  RETURN array_to_string(_known, chr(30));
END $$;

-- The state of a task that is there; null for one that is not known.
CREATE FUNCTION stem.state_of(_ns integer, _id text, _now bigint) RETURNS text
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
