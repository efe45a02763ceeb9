-- Queues and ranks where keys take turns; whoever takes any locks the row. last is what the key of the last turn had
-- spent, top the most that any has, plain what tasks without a key have. turning: somebody was left waiting, and what
-- each has spent counts.
CREATE TABLE stem.fair_shelves (
  last    bigint NOT NULL DEFAULT 0,
  top     bigint NOT NULL DEFAULT 0,
  plain   bigint NOT NULL DEFAULT 0,
  queue   integer NOT NULL,
  rank    smallint NOT NULL,
  turning boolean NOT NULL DEFAULT false,
  PRIMARY KEY (queue, rank)
) WITH (fillfactor = 50, autovacuum_vacuum_cost_delay = 0);

-- Their keys, written by those who hold the shelf alone. A line that is ready has a task that is due, or had one when it
-- was last looked at. For one that is not, due is no later than the first of its waiting tasks, null when it has none.
CREATE TABLE stem.fair_lines (
  spent bigint NOT NULL DEFAULT 0,
  due   bigint,
  queue integer NOT NULL,
  rank  smallint NOT NULL,
  ready boolean NOT NULL DEFAULT false,
  key   text COLLATE "C" NOT NULL,
  PRIMARY KEY (queue, rank, key)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX fair_lines_ready ON stem.fair_lines (queue, rank, spent, key) WHERE ready;

CREATE INDEX fair_lines_due ON stem.fair_lines (queue, rank, due) WHERE NOT ready AND due IS NOT NULL;

CREATE INDEX fair_lines_idle ON stem.fair_lines (queue, rank, spent) WHERE NOT ready AND due IS NULL;

-- That tasks with a key wait from now on, and when the first of them is due: what those who store tasks leave for those
-- who take them, so that neither waits for the other.
CREATE TABLE stem.fair_news (
  due   bigint NOT NULL,
  queue integer NOT NULL,
  rank  smallint NOT NULL,
  key   text COLLATE "C" NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX fair_news_shelf ON stem.fair_news (queue, rank);

-- Who has a unique key, and until when it is held at least.
CREATE TABLE stem.unique_keys (
  until bigint,
  ns    integer NOT NULL,
  key   text COLLATE "C" NOT NULL,
  task  text COLLATE "C" NOT NULL,
  PRIMARY KEY (ns, key)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0);

-- Groups, and those of which only members have come so far: their size is null. The row is small, for it is written at
-- arrivals. open: something is still to be sent. over: since when nobody needs it.
CREATE TABLE stem.groups (
  number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  opened   bigint,
  ended    bigint,
  over     bigint,
  ns       integer NOT NULL,
  size     integer,
  tolerate integer NOT NULL DEFAULT 0,
  arrived  integer NOT NULL DEFAULT 0,
  failed   integer NOT NULL DEFAULT 0,
  broke    boolean NOT NULL DEFAULT false,
  complete boolean NOT NULL DEFAULT false,
  open     boolean NOT NULL DEFAULT false,
  id       text COLLATE "C" NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_cost_delay = 0);

CREATE UNIQUE INDEX groups_id ON stem.groups (ns, id);

CREATE INDEX groups_opened ON stem.groups (ns, opened, id) WHERE opened IS NOT NULL;

CREATE INDEX groups_open ON stem.groups (ns, opened, id) WHERE open;

CREATE INDEX groups_over ON stem.groups (ns, over) WHERE over IS NOT NULL;

-- A group as it was opened. What it sends is there as tasks are stored.
CREATE TABLE stem.group_texts (
  number     bigint PRIMARY KEY,
  definition text NOT NULL,
  body       json,
  broken     json
);

CREATE TABLE stem.arrivals (
  number  bigint NOT NULL,
  place   integer NOT NULL,
  ok      boolean NOT NULL,
  arrival text NOT NULL,
  PRIMARY KEY (number, place)
) WITH (autovacuum_vacuum_cost_delay = 0);

-- What runs left for those after them.
CREATE TABLE stem.notes (
  at    bigint NOT NULL,
  ns    integer NOT NULL,
  task  text COLLATE "C" NOT NULL,
  name  text COLLATE "C" NOT NULL,
  value text NOT NULL,
  PRIMARY KEY (ns, task, name)
);

CREATE INDEX notes_at ON stem.notes (ns, at);
