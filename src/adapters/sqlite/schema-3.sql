-- Events, a batch a row. An id is when the batch was added, in microseconds, and more than the one before it.
CREATE TABLE events (
  ns    INTEGER NOT NULL,
  id    INTEGER NOT NULL,
  count INTEGER NOT NULL,
  batch TEXT NOT NULL,
  PRIMARY KEY (ns, id)
) STRICT;

-- The latest id there ever was, how many events are kept, and the latest id that was removed.
CREATE TABLE event_books (
  ns      INTEGER PRIMARY KEY,
  last    INTEGER NOT NULL,
  kept    INTEGER NOT NULL,
  trimmed INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What a worker has been told and not yet answered, and what workers have answered.
CREATE TABLE commands (
  ns      INTEGER NOT NULL,
  worker  TEXT NOT NULL,
  id      TEXT NOT NULL,
  until   INTEGER NOT NULL,
  command TEXT NOT NULL,
  PRIMARY KEY (ns, worker, id)
) STRICT;

CREATE TABLE answers (
  ns      INTEGER NOT NULL,
  command TEXT NOT NULL,
  worker  TEXT NOT NULL,
  until   INTEGER NOT NULL,
  answer  TEXT NOT NULL,
  PRIMARY KEY (ns, command, worker)
) STRICT;
