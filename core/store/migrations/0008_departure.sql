-- Conversations that the user leaves or has left (rule 6.1). A join takes the row away.
CREATE TABLE departure (
    conversation BLOB PRIMARY KEY,
    intent       BLOB    NOT NULL,
    -- The signed request; made when it is first sent.
    request      BLOB,
    -- Whether the relay has taken it.
    gone         INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
