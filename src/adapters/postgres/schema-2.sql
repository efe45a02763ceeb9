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
