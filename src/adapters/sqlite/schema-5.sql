-- The line a task takes turns in: its fair key, or '' for one without a key among those that have one. Null where
-- nobody of its queue and rank has one, so that such tasks stand in no index of lines.
ALTER TABLE tasks ADD COLUMN fair TEXT;

CREATE INDEX tasks_fair ON tasks (queue, rank, fair, due) WHERE until IS NULL AND fair IS NOT NULL;

-- Queues and ranks with fair keys. last is what the key of the last turn had spent, top the most that any has.
-- turning: somebody was left waiting, and what each key has spent counts.
CREATE TABLE fair_shelves (
  queue   INTEGER NOT NULL,
  rank    INTEGER NOT NULL,
  last    INTEGER NOT NULL DEFAULT 0,
  top     INTEGER NOT NULL DEFAULT 0,
  turning INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (queue, rank)
) STRICT, WITHOUT ROWID;

-- Their keys. A line that is ready has a task that is due, or had one when it was last looked at. For one that is not,
-- due is no later than the first of its waiting tasks, and null when it has none.
CREATE TABLE fair_lines (
  queue INTEGER NOT NULL,
  rank  INTEGER NOT NULL,
  key   TEXT NOT NULL,
  spent INTEGER NOT NULL DEFAULT 0,
  ready INTEGER NOT NULL DEFAULT 0,
  due   INTEGER,
  PRIMARY KEY (queue, rank, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX fair_lines_ready ON fair_lines (queue, rank, spent, key) WHERE ready = 1;
CREATE INDEX fair_lines_due ON fair_lines (queue, rank, due) WHERE ready = 0 AND due IS NOT NULL;
CREATE INDEX fair_lines_idle ON fair_lines (queue, rank, spent) WHERE ready = 0 AND due IS NULL;

-- Who has a unique key, and until when it is held at least.
CREATE TABLE unique_keys (
  ns    INTEGER NOT NULL,
  key   TEXT NOT NULL,
  task  TEXT NOT NULL,
  until INTEGER,
  PRIMARY KEY (ns, key)
) STRICT, WITHOUT ROWID;

-- Groups, and those of which only members have come so far: their size is null. The row is small, for it is written
-- at arrivals. open: something is still to be sent. over: since when nobody needs it.
CREATE TABLE groups (
  number   INTEGER PRIMARY KEY,
  ns       INTEGER NOT NULL,
  id       TEXT NOT NULL,
  size     INTEGER,
  tolerate INTEGER NOT NULL DEFAULT 0,
  opened   INTEGER,
  arrived  INTEGER NOT NULL DEFAULT 0,
  failed   INTEGER NOT NULL DEFAULT 0,
  broke    INTEGER NOT NULL DEFAULT 0,
  complete INTEGER NOT NULL DEFAULT 0,
  ended    INTEGER,
  open     INTEGER NOT NULL DEFAULT 0,
  over     INTEGER
) STRICT;

CREATE UNIQUE INDEX groups_id ON groups (ns, id);
CREATE INDEX groups_opened ON groups (ns, opened, id) WHERE opened IS NOT NULL;
CREATE INDEX groups_open ON groups (ns, opened, id) WHERE open = 1;
CREATE INDEX groups_over ON groups (ns, over) WHERE over IS NOT NULL;

-- A group as it was opened, with what it sends.
CREATE TABLE group_definitions (
  number     INTEGER PRIMARY KEY,
  definition TEXT NOT NULL
) STRICT;

CREATE TABLE arrivals (
  number  INTEGER NOT NULL,
  place   INTEGER NOT NULL,
  ok      INTEGER NOT NULL,
  arrival TEXT NOT NULL,
  PRIMARY KEY (number, place)
) STRICT, WITHOUT ROWID;

-- What runs left for those after them.
CREATE TABLE notes (
  ns    INTEGER NOT NULL,
  task  TEXT NOT NULL,
  name  TEXT NOT NULL,
  at    INTEGER NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (ns, task, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX notes_at ON notes (ns, at);
