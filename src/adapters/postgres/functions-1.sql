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
-- status after the look otherwise.
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
  WHERE EXISTS (SELECT FROM stem.statuses s WHERE s.ns = _ns AND s.id = e.id)
     OR EXISTS (SELECT FROM stem.dead_letters d WHERE d.ns = _ns AND d.id = e.id);
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
  PERFORM stem.ring(_ns, 0);
  RETURN array_to_string(_known, chr(30));
END $$;

-- Leases ready tasks: earlier queues first, then rank, due, seq. Each queue and rank is a range of the index, read
-- no further than there is room; the rows that others are about to lease are stepped over. Answers one row of lists,
-- which both sides handle in a fraction of the time that a row for each task takes.
CREATE FUNCTION stem.reserve(
  _queues integer[], _max integer, _now bigint, _holder text, _until bigint,
  OUT ids text, OUT tokens text, OUT attempts text, OUT replays text, OUT envelopes text
)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET enable_sort = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
BEGIN
  WITH leased AS (
    UPDATE stem.tasks t SET until = _until, holder = _holder, started = _now, token = t.token + 1
    WHERE t.ctid = ANY (ARRAY(
      SELECT ready.place
      FROM (
        SELECT open.queue, rank FROM unnest(_queues) WITH ORDINALITY AS open (queue, at), generate_series(0, 9) AS rank
        ORDER BY at, rank
      ) AS shelf
      CROSS JOIN LATERAL (
        SELECT t.ctid AS place FROM stem.tasks t
        WHERE t.queue = shelf.queue AND t.rank = shelf.rank AND t.until IS NULL AND t.due <= _now
          AND NOT (SELECT q.paused FROM stem.queues q WHERE q.queue = shelf.queue)
        ORDER BY t.due, t.seq LIMIT _max FOR UPDATE OF t SKIP LOCKED
      ) AS ready
      LIMIT _max
    ))
    RETURNING array_position(_queues, t.queue) AS at, t.rank, t.due, t.seq, t.id, t.token, t.attempts, t.replays,
      t.envelope
  )
  SELECT string_agg(l.id, chr(30)), string_agg(l.token::text, ','), string_agg(l.attempts::text, ','),
    CASE WHEN bool_or(l.replays IS NOT NULL) THEN string_agg(coalesce(l.replays, ''), chr(30)) END,
    string_agg(replace(l.envelope, chr(30), ' '), chr(30))
  INTO ids, tokens, attempts, replays, envelopes
  FROM (SELECT * FROM leased ORDER BY at, rank, due, seq) AS l;
END $$;

-- Leases tasks whose lease has run out, at the cost of an attempt: earlier queues first, then the longest lost.
-- Answers them as they were. Those that are marked as cancelled stay so, for the caller to end.
CREATE FUNCTION stem.reclaim(_queues integer[], _max integer, _now bigint, _holder text, _until bigint)
  RETURNS SETOF stem.tasks
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET enable_sort = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _places tid[] := ARRAY(
    SELECT lost.place FROM unnest(_queues) WITH ORDINALITY AS open (queue, at)
    CROSS JOIN LATERAL (
      SELECT t.ctid AS place FROM stem.tasks t
      WHERE t.queue = open.queue AND t.until IS NOT NULL AND t.until <= _now
        AND NOT (SELECT q.paused FROM stem.queues q WHERE q.queue = open.queue)
      ORDER BY t.until, t.seq LIMIT _max FOR UPDATE OF t SKIP LOCKED
    ) AS lost
    LIMIT _max
  );
BEGIN
  RETURN QUERY
  SELECT t.* FROM unnest(_places) WITH ORDINALITY AS p (place, at) JOIN stem.tasks t ON t.ctid = p.place ORDER BY p.at;
  UPDATE stem.tasks t SET until = _until, holder = _holder, started = _now, token = t.token + 1,
    attempts = t.attempts + 1
  WHERE t.ctid = ANY (_places) AND t.cancel = 0;
END $$;
