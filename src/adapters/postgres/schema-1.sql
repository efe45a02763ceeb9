-- A namespace is a number in front of every key, so that two of them in one schema never meet.
CREATE TABLE stem.namespaces (
  ns   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE stem.queues (
  queue  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ns     integer NOT NULL,
  name   text COLLATE "C" NOT NULL,
  paused boolean NOT NULL DEFAULT false,
  UNIQUE (ns, name)
);

-- Tasks that wait or run. rank is 9 - priority. token 0: it never had a lease of its own, though a reservation may have
-- it; until is that of its own. fair is the line it takes turns in, and cost what a turn of it costs; null for one without
-- a fair key. By id first: lists of ids are looked up one by one then, whatever
-- the server believes of how many tasks there are. A row lives shortly, so vacuum comes often and without pauses: it has
-- little to do each time, and indexes stay as short as the backlog.
CREATE TABLE stem.tasks (
  seq      bigint GENERATED ALWAYS AS IDENTITY,
  due      bigint NOT NULL,
  until    bigint,
  started  bigint,
  ns       integer NOT NULL,
  queue    integer NOT NULL,
  token    integer NOT NULL DEFAULT 0,
  attempts integer NOT NULL DEFAULT 0,
  cost     integer,
  rank     smallint NOT NULL,
  cancel   smallint NOT NULL DEFAULT 0,
  id       text COLLATE "C" NOT NULL,
  task     text COLLATE "C" NOT NULL,
  holder   text,
  fair     text COLLATE "C",
  error    text,
  progress text,
  replays  text,
  envelope text NOT NULL,
  PRIMARY KEY (id, ns)
) WITH (
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_vacuum_insert_scale_factor = 0.2, autovacuum_analyze_scale_factor = 0.2
);

-- Ready and scheduled tasks in one index: a reserve reads a range of it for each rank, so that nothing has to be
-- moved when a task becomes due, and what is not due is never looked at. It steps over what was leased a moment ago; what
-- runs longer is renewed once a second, and leaves. Tasks with a fair key stand in indexes of their own, so that neither
-- kind is in the way of the other.
CREATE INDEX tasks_waiting ON stem.tasks (queue, rank, due, seq) WHERE until IS NULL AND fair IS NULL;

CREATE INDEX tasks_fair_waiting ON stem.tasks (queue, rank, due, seq) WHERE until IS NULL AND fair IS NOT NULL;

CREATE INDEX tasks_fair ON stem.tasks (queue, rank, fair, due, seq) WHERE until IS NULL AND fair IS NOT NULL;

CREATE INDEX tasks_leased ON stem.tasks (queue, until, seq) WHERE until IS NOT NULL;

-- A reserve changes no task. What it leases of a queue and rank is a row here: until when, by whom, and which. So a task
-- that was never given back (its token is 0) is leased if a row here has its seq; from its first renewal, and when its
-- worker is lost, it has a lease of its own in its row, as has one that comes back. open: how many of them still lean on
-- the row, which goes with the last. What is due from low to high, and stored from first to last, are all of them. Most
-- are of tasks that were stored one after the other: then none but theirs stands from first to last, of whatever queue.
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
  scattered boolean NOT NULL GENERATED ALWAYS AS (last - first + 1 <> cardinality(seqs)) STORED,
  PRIMARY KEY (ns, number)
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- Read by every reserve, so it is not worth compressing.
ALTER TABLE stem.reservations ALTER COLUMN seqs SET STORAGE EXTERNAL;

CREATE INDEX reservations_queue ON stem.reservations (queue, rank);

-- Tasks that have ended.
CREATE TABLE stem.statuses (
  ended  bigint NOT NULL,
  ns     integer NOT NULL,
  token  integer NOT NULL,
  id     text COLLATE "C" NOT NULL,
  state  text COLLATE "C" NOT NULL,
  task   text COLLATE "C" NOT NULL,
  queue  text COLLATE "C" NOT NULL,
  status text NOT NULL,
  PRIMARY KEY (ns, id)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX statuses_ended ON stem.statuses (ns, ended);

-- sought holds the error's name, code and message in lower case, for searching.
CREATE TABLE stem.dead_letters (
  died     bigint NOT NULL,
  ns       integer NOT NULL,
  queue    integer NOT NULL,
  token    integer NOT NULL,
  attempts integer NOT NULL,
  rank     smallint NOT NULL,
  id       text COLLATE "C" NOT NULL,
  task     text COLLATE "C" NOT NULL,
  error    text NOT NULL,
  sought   text NOT NULL,
  replays  text,
  envelope text NOT NULL,
  PRIMARY KEY (ns, id)
);

CREATE INDEX dead_letters_died ON stem.dead_letters (ns, died);

CREATE TABLE stem.workers (
  until    bigint NOT NULL,
  ns       integer NOT NULL,
  id       text COLLATE "C" NOT NULL,
  presence text NOT NULL,
  PRIMARY KEY (ns, id)
) WITH (fillfactor = 50);

-- Tasks with their leases, wherever these stand. For looking up a few: each is sought in the reservations of its queue.
CREATE VIEW stem.live AS
  SELECT t.seq, t.due, coalesce(t.until, r.until) AS until, coalesce(r.started, t.started) AS started, t.ns, t.queue,
    CASE WHEN r.number IS NULL THEN t.token ELSE 1 END AS token, t.attempts, t.rank, t.cancel, t.id, t.task,
    coalesce(t.holder, r.holder) AS holder, t.error, t.progress, t.replays, t.envelope, t.fair, r.number AS reservation
  FROM stem.tasks t LEFT JOIN LATERAL (
    SELECT r.number, r.until, r.started, r.holder FROM stem.reservations r
    WHERE t.token = 0 AND r.queue = t.queue AND r.rank = t.rank AND t.seq = ANY (r.seqs) LIMIT 1
  ) AS r ON true;
