-- Whether the tenant wants purged what this device has of conversations from which others have removed it (docs/protocol.md 6.2).
CREATE TABLE purge_policy (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    purge INTEGER NOT NULL CHECK (purge IN (0, 1))
) STRICT;

-- Conversations of which everything was purged for that reason.
CREATE TABLE purged (
    conversation BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
