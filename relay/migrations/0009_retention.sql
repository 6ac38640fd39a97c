-- Bodies are dropped from the oldest on (5.8, 9.4). From kept_from on each entry has its body; before it only commits have theirs
-- that the group's state is made again from (9.2). kept_since_ms is the time of the first entry that may be dropped once it is old,
-- absent where there is none until the next entry comes.
ALTER TABLE incarnation ADD COLUMN kept_from INTEGER NOT NULL DEFAULT 1;
ALTER TABLE incarnation ADD COLUMN kept_since_ms INTEGER;
UPDATE incarnation SET kept_since_ms = created_ms;
CREATE INDEX incarnation_kept ON incarnation (tenant, kept_since_ms) WHERE kept_since_ms IS NOT NULL;
