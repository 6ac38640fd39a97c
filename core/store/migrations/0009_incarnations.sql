-- Going on in another incarnation (rules 3.9, 7.2, 7.3).

-- One row while a conversation's live incarnation cannot go on: what is to be reported, or that the relay has said that it is over.
CREATE TABLE renewal (
    conversation BLOB    PRIMARY KEY,
    incarnation  INTEGER NOT NULL,
    -- The commit that cannot be processed; absent where others have reported it.
    epoch        INTEGER,
    commit_hash  BLOB,
    reason       TEXT,
    over         INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Incarnations that were left, whose own messages are sent again as far as they do not stand. One row until that is done.
CREATE TABLE resend (
    conversation BLOB    NOT NULL,
    incarnation  INTEGER NOT NULL,
    PRIMARY KEY (conversation, incarnation)
) STRICT, WITHOUT ROWID;
