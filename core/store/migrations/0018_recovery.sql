-- What a relay that was restored from a backup may need back (rule 7.2).

-- Entries as the relay served them, in the order of their arrival: the last days, within a bound of bytes.
CREATE TABLE kept_entry (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation      BLOB    NOT NULL,
    incarnation       INTEGER NOT NULL,
    seq               INTEGER NOT NULL,
    kind              TEXT    NOT NULL CHECK (kind IN ('commit', 'message')),
    epoch             INTEGER NOT NULL,
    sender            BLOB    NOT NULL,
    intent            BLOB    NOT NULL,
    directory_version INTEGER,
    time_ms           INTEGER NOT NULL,
    h                 BLOB    NOT NULL,
    body              BLOB    NOT NULL,
    -- Requests to leave: each after its length, four bytes, big-endian.
    leaves            BLOB    NOT NULL,
    kept_ms           INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX kept_entry_place ON kept_entry (conversation, incarnation, seq);

-- Bytes of all bodies that are kept.
CREATE TABLE kept (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    bytes INTEGER NOT NULL
) STRICT;
INSERT INTO kept (id, bytes) VALUES (1, 0);

-- Tips that bear the relay's signature, of entries that this device has applied. The last one of a conversation stays.
CREATE TABLE kept_tip (
    conversation BLOB    NOT NULL,
    incarnation  INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    tip          BLOB    NOT NULL,
    PRIMARY KEY (conversation, incarnation, seq)
) STRICT, WITHOUT ROWID;

-- Groups at epoch 0 that this device has created.
CREATE TABLE kept_start (
    conversation BLOB    NOT NULL,
    incarnation  INTEGER NOT NULL,
    start        BLOB    NOT NULL,
    PRIMARY KEY (conversation, incarnation)
) STRICT, WITHOUT ROWID;

-- One row from the moment that another store of the relay was taken until the account is in step with it.
CREATE TABLE recovery (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    noted_ms INTEGER NOT NULL
) STRICT;

-- Conversations whose log is compared with the relay's: tries that came to nothing.
CREATE TABLE comparison (
    conversation BLOB    PRIMARY KEY,
    tries        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Incarnations whose log the relay has lost for good, with the proof (docs/protocol.md 10.8, `lost`).
CREATE TABLE lost_log (
    conversation BLOB    NOT NULL,
    incarnation  INTEGER NOT NULL,
    proof        BLOB    NOT NULL,
    PRIMARY KEY (conversation, incarnation)
) STRICT, WITHOUT ROWID;
