-- As stem.ring for those who wait for work, and says of one task where it waits and from when on: who serves the queue
-- need not ask first whether there is something for him.
CREATE FUNCTION stem.ring_ready(_ns integer, _queue integer, _due bigint) RETURNS void
  LANGUAGE plpgsql
AS $$
BEGIN
  IF pg_try_advisory_lock(1400136045, _ns * 2) THEN
    PERFORM pg_advisory_unlock(1400136045, _ns * 2);
  ELSIF (SELECT q.paused FROM stem.queues q WHERE q.queue = _queue) THEN
    PERFORM pg_notify('stem_' || _ns, '0');
  ELSE
    PERFORM pg_notify('stem_' || _ns, '0 ' || _queue || ' ' || _due);
  END IF;
END $$;

CREATE OR REPLACE FUNCTION stem.enqueue(
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
