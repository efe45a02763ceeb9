-- Taken by whoever does something to waiting tasks. They need not wait for each other, for each row has its own lock, but
-- for who makes reservations, who takes it alone; and are to take it before any row that another of them may wait for.
CREATE OR REPLACE FUNCTION stem.lock_waiting(_ns integer) RETURNS void
  LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(1400136049, _ns);
END $$;

-- As before, alone from the beginning.
CREATE OR REPLACE PROCEDURE stem.take(
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

-- As before. Where keys come more than once, and so not in their order, those that are there are locked in it first. And
-- who may replace what waits has its turn before it has a key: otherwise two of them, and all reserves behind them, would
-- stand until the server ends one.
CREATE OR REPLACE FUNCTION stem.add_flows(
  _ns integer, _now bigint, _ids text[], _tasks text[], _queues integer[], _ranks smallint[], _dues bigint[],
  _envelopes text[], _fairs text[], _costs integer[], _keys text[], _modes text[], _holds bigint[],
  OUT kinds text[], OUT others text[], OUT states text[]
)
  LANGUAGE plpgsql
AS $$
DECLARE
  _before bigint[];
  _from integer := 1;
  _more record;
BEGIN
  -- By place, where the same id or key stands before it.
  SELECT array_agg(coalesce(greatest(e.id_at, e.key_at), 0) ORDER BY e.at) INTO _before FROM (
    SELECT n.at, lag(n.at) OVER (PARTITION BY n.id ORDER BY n.at) AS id_at,
      CASE WHEN n.key IS NOT NULL THEN lag(n.at) OVER (PARTITION BY n.key ORDER BY n.at) END AS key_at
    FROM unnest(_ids, _keys) WITH ORDINALITY AS n (id, key, at)
  ) AS e;
  IF _modes && ARRAY['debounce', 'replace'] THEN
    PERFORM stem.lock_waiting(_ns);
  END IF;
  IF EXISTS (SELECT FROM unnest(_before) AS b WHERE b > 0) THEN
    PERFORM FROM stem.unique_keys k WHERE k.ns = _ns AND k.key = ANY (_keys) ORDER BY k.key COLLATE "C" FOR UPDATE;
  END IF;
  FOR _at IN 2 .. cardinality(_ids) + 1 LOOP
    CONTINUE WHEN _at <= cardinality(_ids) AND _before[_at] < _from;
    SELECT a.* INTO _more FROM stem.add_apart(_ns, _now, _ids[_from:_at - 1], _tasks[_from:_at - 1],
      _queues[_from:_at - 1], _ranks[_from:_at - 1], _dues[_from:_at - 1], _envelopes[_from:_at - 1],
      _fairs[_from:_at - 1], _costs[_from:_at - 1], _keys[_from:_at - 1], _modes[_from:_at - 1],
      _holds[_from:_at - 1]) AS a;
    kinds := kinds || _more.kinds;
    others := others || _more.others;
    states := states || _more.states;
    _from := _at;
  END LOOP;
END $$;
