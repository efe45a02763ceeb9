-- The rest of a longer chain stands here, once for all of its links, and not in the row of the task that carries it:
-- that row is written anew at every lease and every link.
CREATE TABLE chains (
  chain INTEGER PRIMARY KEY,
  links TEXT NOT NULL
) STRICT;

-- gone counts the links that have been sent. Null where the envelope has everything itself.
ALTER TABLE tasks ADD COLUMN chain INTEGER;
ALTER TABLE tasks ADD COLUMN gone INTEGER;

CREATE TRIGGER tasks_chain_ended AFTER DELETE ON tasks WHEN old.chain IS NOT NULL
BEGIN
  DELETE FROM chains WHERE chain = old.chain;
END;

CREATE TRIGGER tasks_chain_left AFTER UPDATE OF chain ON tasks WHEN old.chain IS NOT NULL AND new.chain IS NULL
BEGIN
  DELETE FROM chains WHERE chain = old.chain;
END;
