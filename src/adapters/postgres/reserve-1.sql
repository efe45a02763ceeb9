-- Leases tasks of one queue and rank, given by their places in order: together those that were never leased, the others
-- each in its row. Those that somebody is about to end are left out. Answers lists.
CREATE FUNCTION stem.lease_places(
  _ns integer, _queue integer, _rank smallint, _places tid[], _now bigint, _holder text, _until bigint,
  OUT taken integer, OUT ids text, OUT tokens text, OUT attempts text, OUT replays text, OUT reservations text,
  OUT seqs text, OUT envelopes text
)
  LANGUAGE plpgsql
  SET enable_hashjoin = on
AS $$
#variable_conflict use_column
DECLARE
  _fresh record;
  _number bigint;
BEGIN
  SELECT array_agg(t.seq) AS seqs, min(t.due) AS low, max(t.due) AS high, min(t.seq) AS first, max(t.seq) AS last
  INTO _fresh FROM stem.tasks t WHERE t.ctid = ANY (_places) AND t.token = 0;
  IF _fresh.seqs IS NOT NULL THEN
    _number := stem.open_reservation(_ns, _queue, _rank, _now, _holder, _until, _fresh.seqs, _fresh.low, _fresh.high,
      _fresh.first, _fresh.last);
  END IF;
  WITH places AS MATERIALIZED (
    SELECT p.place, p.at FROM unnest(_places) WITH ORDINALITY AS p (place, at)
  ), own AS (
    UPDATE stem.tasks t SET until = _until, holder = _holder, started = _now, token = t.token + 1
    FROM (
      SELECT o.ctid AS place, p.at FROM places p JOIN stem.tasks o ON o.ctid = p.place
      WHERE o.token > 0 AND o.until IS NULL FOR UPDATE OF o SKIP LOCKED
    ) AS w
    WHERE t.ctid = w.place
    RETURNING w.at, t.seq, t.id, t.token, t.attempts, t.replays, t.envelope
  ), leased AS (
    SELECT own.at, own.seq, own.id, own.token, own.attempts, own.replays, 0 AS reservation, own.envelope FROM own
    UNION ALL
    SELECT p.at, t.seq, t.id, 1, t.attempts, t.replays, _number, t.envelope
    FROM places p JOIN stem.tasks t ON t.ctid = p.place WHERE t.token = 0
  )
  SELECT count(*), string_agg(l.id, chr(30)), string_agg(l.token::text, ','), string_agg(l.attempts::text, ','),
    string_agg(coalesce(l.replays, ''), chr(30)), string_agg(l.reservation::text, ','), string_agg(l.seq::text, ','),
    string_agg(replace(l.envelope, chr(30), ' '), chr(30))
  INTO taken, ids, tokens, attempts, replays, reservations, seqs, envelopes
  FROM (SELECT * FROM leased ORDER BY at) AS l;
END $$;

-- Leases ready tasks. Answers lists, and where there were fewer than asked for when there will be more.
CREATE FUNCTION stem.reserve(
  _ns integer, _queues integer[], _max integer, _now bigint, _holder text, _until bigint,
  OUT ids text, OUT tokens text, OUT attempts text, OUT replays text, OUT reservations text, OUT seqs text,
  OUT envelopes text, OUT wake bigint
)
  LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
  SET enable_sort = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _room integer := _max;
  _shelf record;
  _got record;
  _number text;
  _rows int8multirange;
BEGIN
  PERFORM stem.lock_waiting(_ns);
  IF EXISTS (SELECT FROM stem.fair_shelves s WHERE s.queue = ANY (_queues))
    OR EXISTS (SELECT FROM stem.fair_news n WHERE n.queue = ANY (_queues))
  THEN
    SELECT f.* INTO ids, tokens, attempts, replays, reservations, seqs, envelopes, wake
    FROM stem.reserve_fair(_ns, _queues, _max, _now, _holder, _until) AS f;
    RETURN;
  END IF;
  _rows := stem.in_rows(_queues);
  -- What is at the beginning of the index is passed once: what has ended lies there until it is vacuumed.
  FOR _shelf IN
    SELECT o.queue, r.rank::smallint AS rank, f.due, f.seq
    FROM unnest(_queues) WITH ORDINALITY AS o (queue, at) CROSS JOIN generate_series(0, 9) AS r (rank) CROSS JOIN LATERAL (
      SELECT t.due, t.seq FROM stem.tasks t
      WHERE t.queue = o.queue AND t.rank = r.rank AND t.until IS NULL AND t.fair IS NULL
        AND NOT (SELECT q.paused FROM stem.queues q WHERE q.queue = o.queue)
      ORDER BY t.due, t.seq LIMIT 1
    ) AS f
    ORDER BY o.at, r.rank
  LOOP
    EXIT WHEN _room <= 0;
    IF _shelf.due > _now THEN
      wake := least(wake, _shelf.due);
      CONTINUE;
    END IF;
    SELECT count(*)::integer AS taken, array_agg(f.seq) AS list, bool_or(f.token > 0) AS mixed, min(f.due) AS low,
      max(f.due) AS high, min(f.seq) AS first, max(f.seq) AS last, string_agg(f.id, chr(30)) AS ids,
      string_agg(replace(f.envelope, chr(30), ' '), chr(30)) AS envelopes
    INTO _got FROM (
      SELECT t.seq, t.due, t.token, t.id, t.envelope FROM stem.tasks t
      WHERE t.queue = _shelf.queue AND t.rank = _shelf.rank AND t.until IS NULL AND t.fair IS NULL
        AND t.due <= _now AND (t.due, t.seq) >= (_shelf.due, _shelf.seq)
        AND (t.token > 0 OR NOT (
          t.seq <@ _rows OR t.seq IN (SELECT h.seq FROM stem.scattered(ARRAY[_shelf.queue]) AS h (seq))
        ))
      ORDER BY t.due, t.seq LIMIT _room
    ) AS f;
    IF _got.mixed THEN
      SELECT l.*, true AS mixed INTO _got FROM stem.lease_places(_ns, _shelf.queue, _shelf.rank, ARRAY(
        SELECT t.ctid FROM stem.tasks t
        WHERE t.queue = _shelf.queue AND t.rank = _shelf.rank AND t.until IS NULL AND t.fair IS NULL
          AND t.due <= _now AND (t.due, t.seq) >= (_shelf.due, _shelf.seq)
          AND (t.token > 0 OR NOT (
            t.seq <@ _rows OR t.seq IN (SELECT h.seq FROM stem.scattered(ARRAY[_shelf.queue]) AS h (seq))
          ))
        ORDER BY t.due, t.seq LIMIT _room
      ), _now, _holder, _until) AS l;
    END IF;
    IF _got.taken > 0 THEN
      IF _got.mixed THEN
        tokens := concat_ws(',', tokens, _got.tokens);
        attempts := concat_ws(',', attempts, _got.attempts);
        replays := concat_ws(chr(30), replays, _got.replays);
        reservations := concat_ws(',', reservations, _got.reservations);
        seqs := concat_ws(',', seqs, _got.seqs);
      ELSE
        _number := stem.open_reservation(_ns, _shelf.queue, _shelf.rank, _now, _holder, _until, _got.list, _got.low,
          _got.high, _got.first, _got.last);
        tokens := concat_ws(',', tokens, repeat('1,', _got.taken - 1) || '1');
        attempts := concat_ws(',', attempts, repeat('0,', _got.taken - 1) || '0');
        replays := concat_ws(chr(30), replays, repeat(chr(30), _got.taken - 1));
        reservations := concat_ws(',', reservations, repeat(_number || ',', _got.taken - 1) || _number);
        seqs := concat_ws(',', seqs, array_to_string(_got.list, ','));
      END IF;
      ids := concat_ws(chr(30), ids, _got.ids);
      envelopes := concat_ws(chr(30), envelopes, _got.envelopes);
      _room := _room - _got.taken;
    END IF;
    -- No task is leased before it is due, so there is no need to look which of those that come later are.
    IF _room > 0 THEN
      wake := least(wake, (
        SELECT t.due FROM stem.tasks t
        WHERE t.queue = _shelf.queue AND t.rank = _shelf.rank AND t.until IS NULL AND t.fair IS NULL AND t.due > _now
        ORDER BY t.due, t.seq LIMIT 1
      ));
    END IF;
  END LOOP;
  IF _room > 0 THEN
    wake := least(wake, stem.next_expiry(_queues));
  END IF;
END $$;

-- As stem.reserve, and over before its answer is sent: nobody waits for a worker that is slow to read. A lease is no
-- promise to anybody: one that a crash of the server forgets is as one whose worker was lost. So it is not flushed. It is
-- alone from the beginning, for a snapshot from before it had its turn would show what another has taken as free.
CREATE PROCEDURE stem.take(
  _ns integer, _queues integer[], _max integer, _now bigint, _holder text, _until bigint,
  OUT ids text, OUT tokens text, OUT attempts text, OUT replays text, OUT reservations text, OUT seqs text,
  OUT envelopes text, OUT wake bigint
)
  LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM pg_advisory_xact_lock(1400136049, _ns);
  SELECT r.* INTO ids, tokens, attempts, replays, reservations, seqs, envelopes, wake
  FROM stem.reserve(_ns, _queues, _max, _now, _holder, _until) AS r;
  COMMIT;
END $$;

-- When the first of the tasks that nobody has is or was due.
CREATE FUNCTION stem.next_due(_queues integer[]) RETURNS bigint
  LANGUAGE plpgsql STABLE
  SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off
  SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
  _rows int8multirange := stem.in_rows(_queues);
BEGIN
  RETURN least(
    (
      SELECT min(first.due) FROM unnest(_queues) AS open (queue) CROSS JOIN generate_series(0, 9) AS r (rank)
      CROSS JOIN LATERAL (
        SELECT t.due FROM stem.tasks t
        WHERE t.queue = open.queue AND t.rank = r.rank AND t.until IS NULL AND t.fair IS NULL
          AND (t.token > 0 OR NOT (t.seq <@ _rows OR t.seq IN (SELECT h.seq FROM stem.scattered(_queues) AS h (seq))))
          AND NOT (SELECT q.paused FROM stem.queues q WHERE q.queue = open.queue)
        ORDER BY t.due, t.seq LIMIT 1
      ) AS first
    ),
    (
      SELECT min(first.due) FROM (
        SELECT o.queue FROM unnest(_queues) AS o (queue) WHERE EXISTS (
          SELECT FROM stem.tasks t WHERE t.queue = o.queue AND t.until IS NULL AND t.fair IS NOT NULL
        ) OFFSET 0
      ) AS open CROSS JOIN generate_series(0, 9) AS r (rank)
      CROSS JOIN LATERAL (
        SELECT t.due FROM stem.tasks t
        WHERE t.queue = open.queue AND t.rank = r.rank AND t.until IS NULL AND t.fair IS NOT NULL
          AND (t.token > 0 OR NOT (t.seq <@ _rows OR t.seq IN (SELECT h.seq FROM stem.scattered(_queues) AS h (seq))))
          AND NOT (SELECT q.paused FROM stem.queues q WHERE q.queue = open.queue)
        ORDER BY t.due, t.seq LIMIT 1
      ) AS first
    )
  );
END $$;

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
