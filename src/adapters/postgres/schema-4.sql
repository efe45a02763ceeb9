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
