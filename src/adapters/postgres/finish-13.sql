-- Ends tasks other than by a settlement: those that wait, and those that are leased by a given token.
CREATE OR REPLACE FUNCTION stem.finish(
  _ns integer, _now bigint, _ids text, _tokens integer[], _leased boolean[], _reasons text, _soughts text,
  _statuses text, _states text, _tasks text, _queues text
) RETURNS text
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _over text;
  _left bigint[];
BEGIN
  IF false = ANY (_leased) THEN
    PERFORM stem.lock_waiting(_ns);
  END IF;
  WITH said AS MATERIALIZED (
    SELECT _ns AS ns, s.* FROM unnest(
      stem.texts(_ids), _tokens, _leased, stem.texts(_reasons), stem.texts(_soughts), stem.texts(_statuses),
      stem.texts(_states), stem.texts(_tasks), stem.texts(_queues)
    ) AS s (id, token, leased, reason, sought, status, state, task, queue)
  ), closed AS (
    DELETE FROM stem.tasks t USING said s
    WHERE t.id = ANY (ARRAY[s.id]) AND t.ns = s.ns AND CASE
      WHEN t.token = 0 THEN s.token = s.leased::integer AND s.leased = stem.is_reserved(t)
      ELSE t.token = s.token AND (coalesce(t.until, 0) > 0) = s.leased
    END
    RETURNING s.*, CASE WHEN t.token = 0 AND s.leased THEN stem.reservation_of(t, NULL, NULL, NULL) END AS leant, t.queue AS of_queue, t.rank, t.attempts, t.replays,
      CASE WHEN s.reason IS NOT NULL THEN t.envelope END AS envelope
  ), buried AS (
    INSERT INTO stem.dead_letters (ns, id, queue, rank, task, died, token, attempts, error, sought, replays, envelope)
    SELECT _ns, id, of_queue, rank, task, _now, token, attempts, reason, sought, replays, envelope
    FROM closed WHERE reason IS NOT NULL
  ), written AS (
    INSERT INTO stem.statuses AS s (ns, id, state, task, queue, ended, token, status)
    SELECT _ns, id, state, task, queue, _now, token, status FROM closed
    ON CONFLICT (ns, id) DO UPDATE SET state = excluded.state, task = excluded.task, queue = excluded.queue,
      ended = excluded.ended, token = excluded.token, status = excluded.status
    WHERE excluded.token >= s.token
  )
  SELECT string_agg(id, chr(30)), array_agg(leant) FILTER (WHERE leant IS NOT NULL) INTO _over, _left FROM closed;
  PERFORM stem.leave_reservations(_ns, _left);
  PERFORM stem.ring(_ns, 1);
  RETURN _over;
END $$;
