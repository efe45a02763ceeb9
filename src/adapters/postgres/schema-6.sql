-- A lease is written beside the row it is of: no index holds what a reserve changes, and every page has room for what
-- it writes, so that it touches neither an index nor another page. What a lease is found by when it has run out is a
-- row for each reserve, and from its first renewal on the task's own entry in the index of those.
ALTER TABLE stem.tasks SET (fillfactor = 45);

ALTER TABLE stem.tasks ADD COLUMN renewed bigint;

UPDATE stem.tasks SET renewed = until WHERE until IS NOT NULL;

DROP INDEX stem.tasks_waiting;

DROP INDEX stem.tasks_leased;

-- Tasks that wait, and those that were leased a moment ago: a reserve steps over these, and a worker renews once a
-- second what runs longer.
CREATE INDEX tasks_waiting ON stem.tasks (queue, rank, due, seq) WHERE renewed IS NULL;

CREATE INDEX tasks_leased ON stem.tasks (queue, renewed, seq) WHERE renewed IS NOT NULL;

-- What each reserve has leased of a queue and rank: the tasks from one due to another that have this until and were
-- not renewed. Whoever finds none of them left deletes the row.
CREATE TABLE stem.leases (
  until bigint NOT NULL,
  low   bigint NOT NULL,
  high  bigint NOT NULL,
  queue integer NOT NULL,
  rank  smallint NOT NULL
) WITH (autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX leases_until ON stem.leases (queue, until);
