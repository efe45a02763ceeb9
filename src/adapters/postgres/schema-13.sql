-- A reserve changes no task. What it leases of a queue and rank is a row here: until when, by whom, and which. So a task
-- that was never given back (its token is 0) is leased if a row here has its seq; from its first renewal, and when its
-- worker is lost, it has a lease of its own in its row, as has one that comes back. open: how many of them still lean on
-- the row, which goes with the last. What is due from low to high, and stored from first to last, are all of them.
CREATE TABLE stem.reservations (
  number  bigint NOT NULL,
  until   bigint NOT NULL,
  started bigint NOT NULL,
  low     bigint NOT NULL,
  high    bigint NOT NULL,
  first   bigint NOT NULL,
  last    bigint NOT NULL,
  ns      integer NOT NULL,
  queue   integer NOT NULL,
  open    integer NOT NULL,
  rank    smallint NOT NULL,
  holder  text NOT NULL,
  seqs    bigint[] NOT NULL,
  PRIMARY KEY (ns, number)
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- Read by every reserve, so it is not worth compressing.
ALTER TABLE stem.reservations ALTER COLUMN seqs SET STORAGE EXTERNAL;

CREATE INDEX reservations_queue ON stem.reservations (queue, rank);

-- Nothing is written beside a waiting task any more.
ALTER TABLE stem.tasks SET (fillfactor = 100);

-- Statuses are sought by when they ended; what they came to is in the row.
DROP INDEX stem.statuses_ended;

CREATE INDEX statuses_ended ON stem.statuses (ns, ended);

-- Tasks with their leases, wherever these stand. For looking up a few: each is sought in the reservations of its queue.
CREATE VIEW stem.live AS
  SELECT t.seq, t.due, coalesce(t.until, r.until) AS until, coalesce(r.started, t.started) AS started, t.ns, t.queue,
    CASE WHEN r.number IS NULL THEN t.token ELSE 1 END AS token, t.attempts, t.rank, t.cancel, t.id, t.task,
    coalesce(t.holder, r.holder) AS holder, t.error, t.progress, t.replays, t.envelope, t.fair, r.number AS reservation
  FROM stem.tasks t LEFT JOIN LATERAL (
    SELECT r.number, r.until, r.started, r.holder FROM stem.reservations r
    WHERE t.token = 0 AND r.queue = t.queue AND r.rank = t.rank AND t.seq = ANY (r.seqs) LIMIT 1
  ) AS r ON true;

-- By id first: lists of ids are looked up one by one then, whatever the server believes of how many tasks there are.
ALTER TABLE stem.tasks DROP CONSTRAINT tasks_pkey, ADD PRIMARY KEY (id, ns);
