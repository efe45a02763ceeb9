-- A namespace is a number in front of every key, so that two of them in one file never meet.
CREATE TABLE namespaces (
  ns   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE queues (
  queue  INTEGER PRIMARY KEY,
  ns     INTEGER NOT NULL,
  name   TEXT NOT NULL,
  paused INTEGER NOT NULL DEFAULT 0,
  UNIQUE (ns, name)
) STRICT;

-- Tasks that wait (until is null) or run. rank is 9 - priority. The envelope stands last: reading what comes
-- before it does not touch the pages a large one overflows to.
CREATE TABLE tasks (
  seq      INTEGER PRIMARY KEY,
  ns       INTEGER NOT NULL,
  id       TEXT NOT NULL,
  queue    INTEGER NOT NULL,
  rank     INTEGER NOT NULL,
  due      INTEGER NOT NULL,
  token    INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  until    INTEGER,
  holder   TEXT,
  started  INTEGER,
  cancel   INTEGER NOT NULL DEFAULT 0,
  error    TEXT,
  progress TEXT,
  replays  TEXT,
  envelope TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX tasks_id ON tasks (ns, id);

-- Ready and scheduled tasks in one index: a reserve reads a range of it for each rank, so that nothing has to be
-- moved when a task becomes due, and what is not due is never looked at.
CREATE INDEX tasks_waiting ON tasks (queue, rank, due) WHERE until IS NULL;
CREATE INDEX tasks_leased ON tasks (queue, until) WHERE until IS NOT NULL;
CREATE INDEX tasks_retrying ON tasks (queue, due) WHERE until IS NULL AND attempts > 0;

-- Tasks that have ended.
CREATE TABLE statuses (
  seq    INTEGER PRIMARY KEY,
  ns     INTEGER NOT NULL,
  id     TEXT NOT NULL,
  state  TEXT NOT NULL,
  task   TEXT NOT NULL,
  queue  TEXT NOT NULL,
  ended  INTEGER NOT NULL,
  token  INTEGER NOT NULL,
  status TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX statuses_id ON statuses (ns, id);
CREATE INDEX statuses_ended ON statuses (ns, ended, state);

-- sought holds the error's name, code and message in lower case, for searching.
CREATE TABLE dead_letters (
  seq      INTEGER PRIMARY KEY,
  ns       INTEGER NOT NULL,
  id       TEXT NOT NULL,
  queue    INTEGER NOT NULL,
  rank     INTEGER NOT NULL,
  task     TEXT NOT NULL,
  died     INTEGER NOT NULL,
  token    INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  error    TEXT NOT NULL,
  sought   TEXT NOT NULL,
  replays  TEXT,
  envelope TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX dead_letters_id ON dead_letters (ns, id);
CREATE INDEX dead_letters_died ON dead_letters (ns, died);
CREATE INDEX dead_letters_queue ON dead_letters (queue);

CREATE TABLE workers (
  ns       INTEGER NOT NULL,
  id       TEXT NOT NULL,
  until    INTEGER NOT NULL,
  presence TEXT NOT NULL,
  PRIMARY KEY (ns, id)
) STRICT, WITHOUT ROWID;
