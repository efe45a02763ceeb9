-- Most reservations are of tasks that were stored one after the other. Those are stepped over by a look at a few ranges,
-- at a fourth of what a table of all their numbers costs. No other task stands in such a range, of whatever queue.
ALTER TABLE stem.reservations
  ADD COLUMN scattered boolean NOT NULL GENERATED ALWAYS AS (last - first + 1 <> cardinality(seqs)) STORED;

CREATE FUNCTION stem.in_rows(_queues integer[]) RETURNS int8multirange
  LANGUAGE sql STABLE
AS $$
  SELECT coalesce(range_agg(int8range(r.first, r.last, '[]')), '{}') FROM stem.reservations r
  WHERE r.queue = ANY (_queues) AND NOT r.scattered
$$;

-- The tasks of all other reservations.
CREATE FUNCTION stem.scattered(_queues integer[]) RETURNS SETOF bigint
  LANGUAGE sql STABLE
AS $$ SELECT unnest(r.seqs) FROM stem.reservations r WHERE r.queue = ANY (_queues) AND r.scattered $$;

-- As before: leases ready tasks. Answers lists, and where there were fewer than asked for when there will be more.
CREATE OR REPLACE FUNCTION stem.reserve(
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
      WHERE t.queue = o.queue AND t.rank = r.rank AND t.renewed IS NULL AND t.fair IS NULL AND t.due <= _now
        AND NOT (SELECT q.paused FROM stem.queues q WHERE q.queue = o.queue)
      ORDER BY t.due, t.seq LIMIT 1
    ) AS f
    ORDER BY o.at, r.rank
  LOOP
    EXIT WHEN _room <= 0;
    SELECT count(*)::integer AS taken, array_agg(f.seq) AS list, bool_or(f.token > 0) AS mixed, min(f.due) AS low,
      max(f.due) AS high, min(f.seq) AS first, max(f.seq) AS last, string_agg(f.id, chr(30)) AS ids,
      string_agg(replace(f.envelope, chr(30), ' '), chr(30)) AS envelopes
    INTO _got FROM (
      SELECT t.seq, t.due, t.token, t.id, t.envelope FROM stem.tasks t
      WHERE t.queue = _shelf.queue AND t.rank = _shelf.rank AND t.renewed IS NULL AND t.fair IS NULL
        AND t.until IS NULL AND t.due <= _now AND (t.due, t.seq) >= (_shelf.due, _shelf.seq)
        AND (t.token > 0 OR NOT (
          t.seq <@ _rows OR t.seq IN (SELECT h.seq FROM stem.scattered(ARRAY[_shelf.queue]) AS h (seq))
        ))
      ORDER BY t.due, t.seq LIMIT _room
    ) AS f;
    CONTINUE WHEN _got.taken = 0;
    IF _got.mixed THEN
      SELECT l.* INTO _got FROM stem.lease_places(_ns, _shelf.queue, _shelf.rank, ARRAY(
        SELECT t.ctid FROM stem.tasks t
        WHERE t.queue = _shelf.queue AND t.rank = _shelf.rank AND t.renewed IS NULL AND t.fair IS NULL
          AND t.until IS NULL AND t.due <= _now AND (t.due, t.seq) >= (_shelf.due, _shelf.seq)
          AND (t.token > 0 OR NOT (
            t.seq <@ _rows OR t.seq IN (SELECT h.seq FROM stem.scattered(ARRAY[_shelf.queue]) AS h (seq))
          ))
        ORDER BY t.due, t.seq LIMIT _room
      ), _now, _holder, _until) AS l;
      CONTINUE WHEN _got.taken = 0;
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
  END LOOP;
  IF _room > 0 THEN
    wake := least(stem.next_due(_queues), stem.next_expiry(_queues));
  END IF;
END $$;

-- As before: when the first of the tasks that nobody has is or was due.
CREATE OR REPLACE FUNCTION stem.next_due(_queues integer[]) RETURNS bigint
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
        WHERE t.queue = open.queue AND t.rank = r.rank AND t.renewed IS NULL AND t.fair IS NULL AND t.until IS NULL
          AND (t.token > 0 OR NOT (t.seq <@ _rows OR t.seq IN (SELECT h.seq FROM stem.scattered(_queues) AS h (seq))))
          AND NOT (SELECT q.paused FROM stem.queues q WHERE q.queue = open.queue)
        ORDER BY t.due, t.seq LIMIT 1
      ) AS first
    ),
    (
      SELECT min(first.due) FROM (
        SELECT o.queue FROM unnest(_queues) AS o (queue) WHERE EXISTS (
          SELECT FROM stem.tasks t WHERE t.queue = o.queue AND t.renewed IS NULL AND t.fair IS NOT NULL
        ) OFFSET 0
      ) AS open CROSS JOIN generate_series(0, 9) AS r (rank)
      CROSS JOIN LATERAL (
        SELECT t.due FROM stem.tasks t
        WHERE t.queue = open.queue AND t.rank = r.rank AND t.renewed IS NULL AND t.fair IS NOT NULL AND t.until IS NULL
          AND (t.token > 0 OR NOT (t.seq <@ _rows OR t.seq IN (SELECT h.seq FROM stem.scattered(_queues) AS h (seq))))
          AND NOT (SELECT q.paused FROM stem.queues q WHERE q.queue = open.queue)
        ORDER BY t.due, t.seq LIMIT 1
      ) AS first
    )
  );
END $$;
