-- Schedules. wake is what a claim goes by: when a Beat is to look, or while it is leased the end of the lease; null
-- while it is paused or over. state holds the rest as JSON. kept counts firings, so that the oldest go in bunches.
CREATE TABLE stem.schedules (
  wake       bigint,
  paused     bigint,
  ns         integer NOT NULL,
  token      integer NOT NULL DEFAULT 0,
  kept       integer NOT NULL DEFAULT 0,
  leased     boolean NOT NULL DEFAULT false,
  name       text COLLATE "C" NOT NULL,
  source     text COLLATE "C" NOT NULL,
  cadence    text NOT NULL,
  definition text NOT NULL,
  state      text NOT NULL,
  why        text,
  PRIMARY KEY (ns, name)
);

CREATE INDEX schedules_wake ON stem.schedules (ns, wake, name) WHERE wake IS NOT NULL;

-- What each schedule has done. The key is the promise that an instant fires once.
CREATE TABLE stem.firings (
  nominal bigint NOT NULL,
  fired   bigint NOT NULL,
  ns      integer NOT NULL,
  by_hand boolean NOT NULL,
  name    text COLLATE "C" NOT NULL,
  task    text COLLATE "C",
  skipped text,
  PRIMARY KEY (ns, name, nominal)
);

-- Events, a batch a row. An id is when the batch was added, in microseconds, and more than the one before it.
CREATE TABLE stem.events (
  id    bigint NOT NULL,
  ns    integer NOT NULL,
  count integer NOT NULL,
  batch text NOT NULL,
  PRIMARY KEY (ns, id)
);

-- The latest id there ever was, how many events are kept, and the latest id that was removed. Whoever adds a batch
-- holds this row until it is visible, so ids become visible in their order.
CREATE TABLE stem.event_books (
  last    bigint NOT NULL DEFAULT 0,
  kept    bigint NOT NULL DEFAULT 0,
  trimmed bigint NOT NULL DEFAULT 0,
  ns      integer PRIMARY KEY
) WITH (fillfactor = 50);

-- A batch of events is mostly ids, which no compression makes smaller: trying takes six times as long as storing.
ALTER TABLE stem.events ALTER COLUMN batch SET STORAGE EXTERNAL;

-- What a worker has been told and not yet answered, and what workers have answered.
CREATE TABLE stem.commands (
  until   bigint NOT NULL,
  ns      integer NOT NULL,
  worker  text COLLATE "C" NOT NULL,
  id      text COLLATE "C" NOT NULL,
  command text NOT NULL,
  PRIMARY KEY (ns, worker, id)
);

CREATE TABLE stem.answers (
  until   bigint NOT NULL,
  ns      integer NOT NULL,
  command text COLLATE "C" NOT NULL,
  worker  text COLLATE "C" NOT NULL,
  answer  text NOT NULL,
  PRIMARY KEY (ns, command, worker)
);

-- Limits by key. A bucket says when its next token comes, which instant is promised next, and when it is full.
CREATE TABLE stem.buckets (
  next float8 NOT NULL,
  line float8 NOT NULL,
  over float8 NOT NULL,
  ns   integer NOT NULL,
  key  text COLLATE "C" NOT NULL,
  PRIMARY KEY (ns, key)
) WITH (fillfactor = 50, autovacuum_vacuum_cost_delay = 0);

-- Slots of running tasks, and of those they were handed to (token 0).
CREATE TABLE stem.slots (
  until bigint NOT NULL,
  ns    integer NOT NULL,
  token integer NOT NULL,
  key   text COLLATE "C" NOT NULL,
  id    text COLLATE "C" NOT NULL,
  PRIMARY KEY (ns, key, id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- Who waits for a slot, by when it looks again.
CREATE TABLE stem.lines (
  at  bigint NOT NULL,
  ns  integer NOT NULL,
  key text COLLATE "C" NOT NULL,
  id  text COLLATE "C" NOT NULL,
  PRIMARY KEY (ns, key, id)
);

CREATE INDEX lines_at ON stem.lines (ns, key, at, id);

-- A lock stays when it is given back, for its token must grow.
CREATE TABLE stem.locks (
  until bigint NOT NULL,
  ns    integer NOT NULL,
  token integer NOT NULL,
  name  text COLLATE "C" NOT NULL,
  PRIMARY KEY (ns, name)
) WITH (fillfactor = 50);
