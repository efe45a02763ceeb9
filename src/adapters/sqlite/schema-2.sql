-- Schedules. due is when a Beat is to look. wake is what a claim goes by: due,
-- or while it is leased the end of the lease; null while it is paused or over. state holds the rest as JSON.
CREATE TABLE schedules (
  ns         INTEGER NOT NULL,
  name       TEXT NOT NULL,
  source     TEXT NOT NULL,
  cadence    TEXT NOT NULL,
  definition TEXT NOT NULL,
  state      TEXT NOT NULL,
  due        INTEGER,
  wake       INTEGER,
  token      INTEGER NOT NULL DEFAULT 0,
  leased     INTEGER NOT NULL DEFAULT 0,
  paused     INTEGER,
  why        TEXT,
  kept       INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (ns, name)
) STRICT;

CREATE INDEX schedules_wake ON schedules (ns, wake) WHERE wake IS NOT NULL;

-- What each schedule has done, by nominal instant. kept counts them, so that the oldest go in bunches.
CREATE TABLE firings (
  ns      INTEGER NOT NULL,
  name    TEXT NOT NULL,
  nominal INTEGER NOT NULL,
  fired   INTEGER NOT NULL,
  task    TEXT,
  skipped TEXT,
  by_hand INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (ns, name, nominal)
) STRICT, WITHOUT ROWID;
