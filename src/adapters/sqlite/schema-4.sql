-- Limits by key: buckets of tokens (when the next comes, the instant promised next, and when it
-- is full), slots of running tasks, and the lines of those that wait for one, by when they look again.
CREATE TABLE buckets (
  ns   INTEGER NOT NULL,
  key  TEXT NOT NULL,
  next REAL NOT NULL,
  line REAL NOT NULL,
  over REAL NOT NULL,
  PRIMARY KEY (ns, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE slots (
  ns    INTEGER NOT NULL,
  key   TEXT NOT NULL,
  id    TEXT NOT NULL,
  token INTEGER NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (ns, key, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX slots_until ON slots (ns, key, until);

CREATE TABLE lines (
  ns  INTEGER NOT NULL,
  key TEXT NOT NULL,
  id  TEXT NOT NULL,
  at  INTEGER NOT NULL,
  PRIMARY KEY (ns, key, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX lines_at ON lines (ns, key, at, id);

-- A lock stays when it is given back, for its token must grow.
CREATE TABLE locks (
  ns    INTEGER NOT NULL,
  name  TEXT NOT NULL,
  token INTEGER NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (ns, name)
) STRICT, WITHOUT ROWID;
