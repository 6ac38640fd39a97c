-- The follower's state is stored every few commits (9.2), apart from what changes with each: SQLite writes a row as a whole.
CREATE TABLE group_checkpoint (
    tenant       TEXT NOT NULL,
    conversation BLOB NOT NULL,
    incarnation  INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,
    follower     BLOB NOT NULL,
    PRIMARY KEY (tenant, conversation, incarnation)
) STRICT;
INSERT INTO group_checkpoint (tenant, conversation, incarnation, epoch, follower)
SELECT tenant, conversation, incarnation, epoch, follower FROM group_state;
ALTER TABLE group_state DROP COLUMN follower;
