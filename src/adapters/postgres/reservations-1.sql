-- The tasks of a queue and rank that are leased by reservations.
CREATE FUNCTION stem.held(_queue integer, _rank smallint) RETURNS SETOF bigint
  LANGUAGE sql STABLE
AS $$ SELECT unnest(r.seqs) FROM stem.reservations r WHERE r.queue = _queue AND r.rank = _rank $$;

-- The tasks of all other reservations.
CREATE FUNCTION stem.scattered(_queues integer[]) RETURNS SETOF bigint
  LANGUAGE sql STABLE
AS $$ SELECT unnest(r.seqs) FROM stem.reservations r WHERE r.queue = ANY (_queues) AND r.scattered $$;

-- The tasks of reservations that are in a row: a look at a few ranges, at a fourth of what a table of all their numbers
-- costs. Not in plain SQL, of which the server would make a new plan each time.
CREATE FUNCTION stem.in_rows(_queues integer[]) RETURNS int8multirange
  LANGUAGE plpgsql STABLE
AS $$
BEGIN
  RETURN (
    SELECT coalesce(range_agg(int8range(r.first, r.last, '[]')), '{}') FROM stem.reservations r
    WHERE r.queue = ANY (_queues) AND NOT r.scattered
  );
END $$;

-- Whether a task that has no lease of its own is leased. Told by a reservation that is there and the seq it was given by,
-- one need not look for it: these go together.
CREATE FUNCTION stem.reservation_of(_task stem.tasks, _seq bigint, _reservation bigint, _live bigint[]) RETURNS bigint
  LANGUAGE plpgsql STABLE
AS $$
BEGIN
  IF _task.seq = _seq AND _reservation = ANY (_live) THEN
    RETURN _reservation;
  END IF;
  RETURN (
    SELECT r.number FROM stem.reservations r
    WHERE r.queue = _task.queue AND r.rank = _task.rank AND _task.seq = ANY (r.seqs) LIMIT 1
  );
END $$;

CREATE FUNCTION stem.is_reserved(_task stem.tasks) RETURNS boolean
  LANGUAGE sql STABLE
AS $$ SELECT stem.reservation_of(_task, NULL, NULL, NULL) IS NOT NULL $$;

-- Taken by whoever does something to waiting tasks. They need not wait for each other, for each row has its own lock, but
-- for who makes reservations, who takes it alone; and are to take it before any row that another of them may wait for.
CREATE FUNCTION stem.lock_waiting(_ns integer) RETURNS void
  LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(1400136049, _ns);
END $$;

-- Makes a reservation. Numbers grow and are never given again, not even when the server forgets its last ones in a crash.
CREATE FUNCTION stem.open_reservation(
  _ns integer, _queue integer, _rank smallint, _now bigint, _holder text, _until bigint, _seqs bigint[],
  _low bigint, _high bigint, _first bigint, _last bigint
) RETURNS bigint
  LANGUAGE plpgsql
AS $$
DECLARE
  _number bigint := greatest(
    (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
    (SELECT max(r.number) + 1 FROM stem.reservations r WHERE r.ns = _ns)
  );
BEGIN
  INSERT INTO stem.reservations (number, until, started, low, high, first, last, ns, queue, rank, open, holder, seqs)
  VALUES (_number, _until, _now, _low, _high, _first, _last, _ns, _queue, _rank, cardinality(_seqs), _holder, _seqs);
  RETURN _number;
END $$;

-- Tasks, one for each time its number is named, lean on these reservations no longer.
CREATE FUNCTION stem.leave_reservations(_ns integer, _numbers bigint[]) RETURNS void
  LANGUAGE plpgsql
AS $$
DECLARE
  _over bigint[];
BEGIN
  IF _numbers IS NULL THEN
    RETURN;
  END IF;
  WITH rest AS (
    UPDATE stem.reservations r SET open = r.open - n.gone
    FROM (SELECT u.number, count(*) AS gone FROM unnest(_numbers) AS u (number) GROUP BY u.number) AS n
    WHERE r.ns = _ns AND r.number = n.number RETURNING r.number, r.open
  )
  SELECT array_agg(number) INTO _over FROM rest WHERE open <= 0;
  IF _over IS NOT NULL THEN
    DELETE FROM stem.reservations r WHERE r.ns = _ns AND r.number = ANY (_over);
  END IF;
END $$;
