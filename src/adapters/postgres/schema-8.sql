-- A batch of events is mostly ids, which no compression makes smaller: trying takes six times as long as storing.
ALTER TABLE stem.events ALTER COLUMN batch SET STORAGE EXTERNAL;
