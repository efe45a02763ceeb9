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
