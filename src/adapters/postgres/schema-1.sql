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

-- Tasks that wait (until is null) or run. rank is 9 - priority. A row lives shortly and is written three times, so
-- vacuum comes often and without pauses: it has little to do each time, and indexes stay as short as the backlog.
CREATE TABLE stem.tasks (
  seq      bigint GENERATED ALWAYS AS IDENTITY,
  due      bigint NOT NULL,
  until    bigint,
  started  bigint,
  ns       integer NOT NULL,
  queue    integer NOT NULL,
  token    integer NOT NULL DEFAULT 0,
  attempts integer NOT NULL DEFAULT 0,
  rank     smallint NOT NULL,
  cancel   smallint NOT NULL DEFAULT 0,
  id       text COLLATE "C" NOT NULL,
  task     text COLLATE "C" NOT NULL,
  holder   text,
  error    text,
  progress text,
  replays  text,
  envelope text NOT NULL,
  PRIMARY KEY (ns, id)
) WITH (
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_vacuum_insert_scale_factor = 0.2, autovacuum_analyze_scale_factor = 0.2
);

-- Ready and scheduled tasks in one index: a reserve reads a range of it for each rank, so that nothing has to be
-- moved when a task becomes due, and what is not due is never looked at.
CREATE INDEX tasks_waiting ON stem.tasks (queue, rank, due, seq) WHERE until IS NULL;

CREATE INDEX tasks_leased ON stem.tasks (queue, until, seq) WHERE until IS NOT NULL;

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

CREATE INDEX statuses_ended ON stem.statuses (ns, ended, state);

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
