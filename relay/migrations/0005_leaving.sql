-- Leaving and revocation (rule 6.1), and new devices of a user (6.4).

-- The log's last entry when the device's user left: from then on the device is served nothing, though its leaf is still there.
ALTER TABLE membership ADD COLUMN left_seq INTEGER;

-- Signed requests to leave, verbatim: members verify them. They live as long as the incarnation.
CREATE TABLE leave_request (
    tenant       TEXT NOT NULL,
    conversation BLOB NOT NULL,
    incarnation  INTEGER NOT NULL,
    device       BLOB NOT NULL,
    intent       BLOB NOT NULL,
    user         BLOB NOT NULL,
    time_ms      INTEGER NOT NULL,
    -- The commit that removed the user's leaves: its entry is served with the request.
    removed_seq  INTEGER,
    request      BLOB NOT NULL,
    PRIMARY KEY (tenant, conversation, incarnation, device, intent)
) STRICT;
CREATE INDEX leave_request_removed ON leave_request (tenant, conversation, incarnation, removed_seq)
    WHERE removed_seq IS NOT NULL;

-- Leaves that the next commit must remove; nothing else is accepted before. Normally empty.
CREATE TABLE removal_pending (
    tenant       TEXT NOT NULL,
    conversation BLOB NOT NULL,
    incarnation  INTEGER NOT NULL,
    device       BLOB NOT NULL,
    user         BLOB NOT NULL,
    reason       TEXT NOT NULL CHECK (reason IN ('left', 'revoked')),
    since_ms     INTEGER NOT NULL,
    -- Of one who left: the request.
    leave_device BLOB,
    leave_intent BLOB,
    PRIMARY KEY (tenant, conversation, incarnation, device)
) STRICT, WITHOUT ROWID;

-- Whether the user's other devices were told of the device: once it can be added to conversations.
ALTER TABLE device ADD COLUMN announced INTEGER NOT NULL DEFAULT 0;
UPDATE device SET announced = 1;

-- The inbox gets items that are not about an entry, or not about a conversation. The kinds are checked in the code alone.
CREATE TABLE inbox_next (
    tenant       TEXT NOT NULL,
    device       BLOB NOT NULL,
    idx          INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    conversation BLOB,
    incarnation  INTEGER,
    seq          INTEGER,
    -- The device that the item is about, and its directory version.
    subject      BLOB,
    version      INTEGER,
    position     INTEGER NOT NULL,
    PRIMARY KEY (tenant, device, idx)
) STRICT, WITHOUT ROWID;
INSERT INTO inbox_next (tenant, device, idx, kind, conversation, incarnation, seq, position)
    SELECT tenant, device, idx, kind, conversation, incarnation, seq, position FROM inbox;
DROP TABLE inbox;
ALTER TABLE inbox_next RENAME TO inbox;
CREATE INDEX inbox_entry ON inbox (tenant, conversation, incarnation, seq) WHERE kind = 'welcome';
