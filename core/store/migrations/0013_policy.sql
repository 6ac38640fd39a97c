-- Whom the tenant's policy wants in every conversation (docs/protocol.md 3.4). Who was wanted once is remembered: they may still
-- be in direct conversations.
CREATE TABLE mandatory_member (
    user    BLOB    PRIMARY KEY,
    current INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Conversations that are to be looked at because one of them may be missing, and when at the earliest.
CREATE TABLE mandatory_owed (
    conversation  BLOB    PRIMARY KEY,
    not_before_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
