-- Lets all lines of a shelf rest, and forgets those that nobody waits in; without any, the shelf too.
CREATE FUNCTION stem.rest_shelf(_queue integer, _rank smallint, _last bigint) RETURNS void
  LANGUAGE plpgsql
AS $$
BEGIN
  UPDATE stem.fair_lines l SET ready = false, due = (
    SELECT min(t.due) FROM stem.tasks t WHERE t.queue = _queue AND t.rank = _rank AND t.fair = l.key
      AND t.until IS NULL AND t.fair IS NOT NULL
        AND (t.token > 0 OR t.seq NOT IN (SELECT h.seq FROM stem.held(_queue, _rank) AS h (seq)))
  )
  WHERE l.queue = _queue AND l.rank = _rank AND l.ready;
  DELETE FROM stem.fair_lines l
  WHERE l.queue = _queue AND l.rank = _rank AND NOT l.ready AND l.due IS NULL AND l.spent <= _last;
  DELETE FROM stem.fair_shelves s WHERE s.queue = _queue AND s.rank = _rank AND NOT EXISTS (
    SELECT FROM stem.fair_lines l WHERE l.queue = _queue AND l.rank = _rank
  );
END $$;

-- Takes turns on a shelf, which is locked: what is looked at is put in order once rather than for each line. `turns` is
-- false where nobody with a key is ready and nobody is owed one.
CREATE FUNCTION stem.take_turns(
  _ns integer, _queue integer, _rank smallint, _max integer, _now bigint, _holder text, _until bigint,
  OUT turns boolean, OUT taken integer, OUT ids text, OUT tokens text, OUT attempts text, OUT replays text,
  OUT reservations text, OUT seqs text, OUT envelopes text
)
  LANGUAGE plpgsql
AS $$
DECLARE
  _shelf stem.fair_shelves;
  _keyed boolean;
  _plain boolean;
  _room integer := _max;
  _keys text[];
  _spents bigint[];
  _count integer;
  _more integer;
  _at_once integer;
  _behind_key text;
  _behind_spent bigint;
  _places tid[];
  _of text[];
  _after bigint[];
  _last bigint;
  _ended text[];
  _got record;
BEGIN
  taken := 0;
  SELECT s.* INTO _shelf FROM stem.fair_shelves s WHERE s.queue = _queue AND s.rank = _rank FOR UPDATE;
  -- So many at a time, however many keys came at once; those that are left have their turns a little later.
  WITH news AS (
    DELETE FROM stem.fair_news n WHERE n.ctid = ANY (ARRAY(
      SELECT o.ctid FROM stem.fair_news o WHERE o.queue = _queue AND o.rank = _rank LIMIT 20000
    ))
    RETURNING n.key, n.due
  )
  INSERT INTO stem.fair_lines AS l (queue, rank, key, due)
  SELECT _queue, _rank, n.key, min(n.due) FROM news n GROUP BY n.key
  ON CONFLICT (queue, rank, key) DO UPDATE SET due = excluded.due
  WHERE NOT l.ready AND (l.due IS NULL OR l.due > excluded.due);
  UPDATE stem.fair_lines l SET ready = true, due = NULL, spent = greatest(l.spent, _shelf.last)
  WHERE l.queue = _queue AND l.rank = _rank AND NOT l.ready AND l.due IS NOT NULL AND l.due <= _now;

  _keyed := EXISTS (
    SELECT FROM stem.tasks t WHERE t.queue = _queue AND t.rank = _rank AND t.until IS NULL AND t.fair IS NOT NULL
      AND t.due <= _now
      AND (t.token > 0 OR t.seq NOT IN (SELECT h.seq FROM stem.held(_queue, _rank) AS h (seq)))
  );
  _plain := EXISTS (
    SELECT FROM stem.tasks t WHERE t.queue = _queue AND t.rank = _rank AND t.until IS NULL AND t.fair IS NULL
      AND t.due <= _now
      AND (t.token > 0 OR t.seq NOT IN (SELECT h.seq FROM stem.held(_queue, _rank) AS h (seq)))
  );
  turns := _keyed OR (_plain AND _shelf.turning);
  IF NOT turns THEN
    IF NOT _shelf.turning THEN
      PERFORM stem.rest_shelf(_queue, _rank, _shelf.last);
    END IF;
    RETURN;
  END IF;

  WHILE _room > 0 LOOP
    -- The lines in front, as many as there can be turns, and what the one behind them has spent.
    SELECT array_agg(f.key), array_agg(f.spent) INTO _keys, _spents FROM (
      SELECT l.key, l.spent FROM stem.fair_lines l WHERE l.queue = _queue AND l.rank = _rank AND l.ready
      ORDER BY l.spent, l.key LIMIT _room + 1
    ) AS f;
    _behind_key := NULL;
    IF cardinality(_keys) > _room THEN
      _behind_key := _keys[_room + 1];
      _behind_spent := _spents[_room + 1];
      _keys := _keys[1:_room];
      _spents := _spents[1:_room];
    END IF;
    _count := coalesce(cardinality(_keys), 0) + _plain::integer;
    EXIT WHEN _count = 0;

    -- Each task costs its line a turn, so what a line has spent before each of its tasks puts all of them in order. One
    -- more than its share is read of each; where that may not be all of a line, the order is known up to its end only.
    _at_once := ceil(_room::float8 / _count)::integer + 1;
    WITH front AS (
      SELECT f.key, f.spent, w.* FROM unnest(_keys, _spents) AS f (key, spent) LEFT JOIN LATERAL (
        SELECT t.ctid AS place, t.cost, t.due, t.seq FROM stem.tasks t
        WHERE t.queue = _queue AND t.rank = _rank AND t.fair = f.key AND t.until IS NULL AND t.fair IS NOT NULL
          AND t.due <= _now
          AND (t.token > 0 OR t.seq NOT IN (SELECT h.seq FROM stem.held(_queue, _rank) AS h (seq)))
        ORDER BY t.due, t.seq LIMIT _at_once
      ) AS w ON true
      UNION ALL
      SELECT f.key, f.spent, w.* FROM (
        SELECT '' AS key, greatest(_shelf.plain, _shelf.last) AS spent WHERE _plain
      ) AS f LEFT JOIN LATERAL (
        SELECT t.ctid AS place, 1000000 AS cost, t.due, t.seq FROM stem.tasks t
        WHERE t.queue = _queue AND t.rank = _rank AND t.fair IS NULL AND t.until IS NULL
          AND (t.token > 0 OR t.seq NOT IN (SELECT h.seq FROM stem.held(_queue, _rank) AS h (seq)))
          AND t.due <= _now
        ORDER BY t.due, t.seq LIMIT _at_once
      ) AS w ON true
    ), looked AS MATERIALIZED (
      SELECT f.key, f.place, f.cost, f.spent + sum(f.cost) OVER due_first - f.cost AS before,
        row_number() OVER due_first AS nth, count(f.place) OVER (PARTITION BY f.key) AS count
      FROM front f WINDOW due_first AS (PARTITION BY f.key ORDER BY f.due, f.seq ROWS UNBOUNDED PRECEDING)
    ), known AS (
      SELECT k.spent, k.key FROM (
        SELECT _behind_spent AS spent, _behind_key AS key WHERE _behind_key IS NOT NULL
        UNION ALL SELECT l.before + l.cost, l.key FROM looked l WHERE l.nth = _at_once AND l.place IS NOT NULL
      ) AS k ORDER BY k.spent, k.key COLLATE "C" LIMIT 1
    ), picked AS MATERIALIZED (
      SELECT l.* FROM looked l LEFT JOIN known k ON true
      WHERE l.place IS NOT NULL AND (k.key IS NULL OR l.before < k.spent OR (l.before = k.spent AND l.key COLLATE "C" < k.key))
      ORDER BY l.before, l.key COLLATE "C" LIMIT _room
    )
    SELECT array_agg(p.place ORDER BY p.before, p.key COLLATE "C"), array_agg(p.key ORDER BY p.before, p.key COLLATE "C"),
      array_agg(p.before + p.cost ORDER BY p.before, p.key COLLATE "C"), max(p.before),
      (SELECT coalesce(array_agg(e.key), '{}') FROM (
        SELECT l.key FROM looked l WHERE l.place IS NULL
        UNION ALL SELECT p.key FROM picked p WHERE p.nth = p.count AND p.count < _at_once
      ) AS e)
    INTO _places, _of, _after, _last, _ended FROM picked p;

    _more := 0;
    IF _places IS NOT NULL THEN
      SELECT l.* INTO _got FROM stem.lease_places(_ns, _queue, _rank, _places, _now, _holder, _until) AS l;
      _more := _got.taken;
      IF _more > 0 THEN
        ids := concat_ws(chr(30), ids, _got.ids);
        tokens := concat_ws(',', tokens, _got.tokens);
        attempts := concat_ws(',', attempts, _got.attempts);
        replays := concat_ws(chr(30), replays, _got.replays);
        reservations := concat_ws(',', reservations, _got.reservations);
        seqs := concat_ws(',', seqs, _got.seqs);
        envelopes := concat_ws(chr(30), envelopes, _got.envelopes);
      END IF;
      _shelf.last := greatest(_shelf.last, _last);
      _shelf.top := greatest(_shelf.top, (SELECT max(a) FROM unnest(_after) AS a));
      _shelf.plain := coalesce(
        (SELECT max(a.spent) FROM unnest(_of, _after) AS a (key, spent) WHERE a.key = ''), _shelf.plain
      );
    END IF;
    IF '' = ANY (_ended) THEN
      _plain := false;
    END IF;
    UPDATE stem.fair_lines l SET spent = coalesce(c.spent, l.spent), ready = NOT c.over,
      due = CASE WHEN c.over THEN (
        SELECT min(t.due) FROM stem.tasks t WHERE t.queue = _queue AND t.rank = _rank AND t.fair = l.key
          AND t.until IS NULL AND t.fair IS NOT NULL
            AND (t.token > 0 OR t.seq NOT IN (SELECT h.seq FROM stem.held(_queue, _rank) AS h (seq)))
      ) END
    FROM (
      SELECT _queue AS queue, _rank AS rank, u.key, max(u.spent) AS spent, bool_or(u.over) AS over FROM (
        SELECT a.key, a.spent, false AS over FROM unnest(_of, _after) AS a (key, spent)
        UNION ALL SELECT e.key, NULL, true FROM unnest(_ended) AS e (key)
      ) AS u WHERE u.key <> '' GROUP BY u.key OFFSET 0
    ) AS c
    WHERE l.queue = ANY (ARRAY[c.queue]) AND l.rank = c.rank AND l.key = c.key;
    _room := _room - _more;
    taken := taken + _more;
    -- Somebody else is about to end what is in front: the next one who comes sees how.
    EXIT WHEN _places IS NOT NULL AND _more = 0;
  END LOOP;

  IF EXISTS (
    SELECT FROM stem.tasks t WHERE t.queue = _queue AND t.rank = _rank AND t.until IS NULL AND t.fair IS NOT NULL
      AND t.due <= _now
      AND (t.token > 0 OR t.seq NOT IN (SELECT h.seq FROM stem.held(_queue, _rank) AS h (seq)))
  ) OR EXISTS (
    SELECT FROM stem.tasks t WHERE t.queue = _queue AND t.rank = _rank AND t.until IS NULL AND t.fair IS NULL
      AND t.due <= _now
      AND (t.token > 0 OR t.seq NOT IN (SELECT h.seq FROM stem.held(_queue, _rank) AS h (seq)))
  ) THEN
    UPDATE stem.fair_shelves s SET last = _shelf.last, top = _shelf.top, plain = _shelf.plain, turning = true
    WHERE s.queue = _queue AND s.rank = _rank;
    DELETE FROM stem.fair_lines l
    WHERE l.queue = _queue AND l.rank = _rank AND NOT l.ready AND l.due IS NULL AND l.spent <= _shelf.last;
  ELSE
    -- Nobody waits: all are equal again, for none has spent more than the last.
    UPDATE stem.fair_shelves s SET last = _shelf.top, top = _shelf.top, plain = 0, turning = false
    WHERE s.queue = _queue AND s.rank = _rank;
    PERFORM stem.rest_shelf(_queue, _rank, _shelf.top);
  END IF;
END $$;

-- As stem.reserve, where some of the queues have lines.
CREATE FUNCTION stem.reserve_fair(
  _ns integer, _queues integer[], _max integer, _now bigint, _holder text, _until bigint,
  OUT ids text, OUT tokens text, OUT attempts text, OUT replays text, OUT reservations text, OUT seqs text,
  OUT envelopes text, OUT wake bigint
)
  LANGUAGE plpgsql
AS $$
DECLARE
  _open integer[] := ARRAY(
    SELECT o.queue FROM unnest(_queues) WITH ORDINALITY AS o (queue, at)
    JOIN stem.queues q ON q.queue = o.queue WHERE NOT q.paused ORDER BY o.at
  );
  _fair text[];
  _room integer := _max;
  _shelf record;
  _turned boolean;
  _places tid[];
  _got record;
BEGIN
  -- In one order, so that two who take from the same shelves do not wait for each other.
  INSERT INTO stem.fair_shelves (queue, rank)
  SELECT DISTINCT n.queue, n.rank FROM stem.fair_news n WHERE n.queue = ANY (_open) ORDER BY 1, 2
  ON CONFLICT DO NOTHING;
  SELECT coalesce(array_agg(l.shelf), '{}') INTO _fair FROM (
    SELECT s.queue || ' ' || s.rank AS shelf FROM stem.fair_shelves s WHERE s.queue = ANY (_open)
    ORDER BY s.queue, s.rank FOR UPDATE
  ) AS l;
  FOR _shelf IN
    SELECT o.queue, r.rank::smallint AS rank, (o.queue || ' ' || r.rank) = ANY (_fair) AS fair
    FROM unnest(_open) WITH ORDINALITY AS o (queue, at), generate_series(0, 9) AS r (rank) ORDER BY o.at, r.rank
  LOOP
    EXIT WHEN _room <= 0;
    _turned := false;
    IF _shelf.fair THEN
      SELECT t.* INTO _got FROM stem.take_turns(_ns, _shelf.queue, _shelf.rank, _room, _now, _holder, _until) AS t;
      _turned := _got.turns;
    END IF;
    IF NOT _turned THEN
      _places := ARRAY(
        SELECT t.ctid FROM stem.tasks t
        WHERE t.queue = _shelf.queue AND t.rank = _shelf.rank AND t.until IS NULL AND t.fair IS NULL
          AND t.due <= _now
          AND (t.token > 0 OR t.seq NOT IN (SELECT h.seq FROM stem.held(_shelf.queue, _shelf.rank) AS h (seq)))
        ORDER BY t.due, t.seq LIMIT _room
      );
      CONTINUE WHEN cardinality(_places) = 0;
      SELECT l.* INTO _got FROM stem.lease_places(_ns, _shelf.queue, _shelf.rank, _places, _now, _holder, _until) AS l;
    END IF;
    CONTINUE WHEN _got.taken = 0;
    _room := _room - _got.taken;
    ids := concat_ws(chr(30), ids, _got.ids);
    tokens := concat_ws(',', tokens, _got.tokens);
    attempts := concat_ws(',', attempts, _got.attempts);
    replays := concat_ws(chr(30), replays, _got.replays);
    reservations := concat_ws(',', reservations, _got.reservations);
    seqs := concat_ws(',', seqs, _got.seqs);
    envelopes := concat_ws(chr(30), envelopes, _got.envelopes);
  END LOOP;
  IF _room > 0 THEN
    wake := least(stem.next_due(_queues), stem.next_expiry(_queues));
  END IF;
END $$;
