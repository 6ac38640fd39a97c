-- Read receipts (rule 8.3; docs/protocol.md 2.20).

-- How far people have read, as their devices say: one watermark a device, which never goes back.
CREATE TABLE watermark (
    conversation BLOB    NOT NULL,
    device       BLOB    NOT NULL,
    incarnation  INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    -- When that was read, by the device's clock.
    read_ms      INTEGER NOT NULL,
    PRIMARY KEY (conversation, device)
) STRICT, WITHOUT ROWID;

-- Slots that came before what they are about: of an epoch that this device has not reached (`sealed`), or, opened, of an
-- entry that it has not reached (`seq`, `read_ms`).
CREATE TABLE receipt_held (
    conversation BLOB    NOT NULL,
    device       BLOB    NOT NULL,
    incarnation  INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,
    sealed       BLOB,
    seq          INTEGER,
    read_ms      INTEGER,
    PRIMARY KEY (conversation, device)
) STRICT, WITHOUT ROWID;

-- What slots are sealed with: a key of each of the last epochs that this device was in.
CREATE TABLE receipt_key (
    conversation BLOB    NOT NULL,
    incarnation  INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,
    key          BLOB    NOT NULL CHECK (length(key) = 32),
    PRIMARY KEY (conversation, incarnation, epoch)
) STRICT, WITHOUT ROWID;

-- What this device says to others: the watermark that stands in its slot, whether the read mark may be ahead of it, and,
-- where there are too many members to say it unasked, up to where somebody has asked.
CREATE TABLE receipt_own (
    conversation      BLOB    PRIMARY KEY,
    sent_incarnation  INTEGER NOT NULL DEFAULT 0,
    sent_seq          INTEGER NOT NULL DEFAULT 0,
    behind            INTEGER NOT NULL DEFAULT 0,
    read_ms           INTEGER NOT NULL DEFAULT 0,
    asked_incarnation INTEGER NOT NULL DEFAULT 0,
    asked_seq         INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX receipt_behind ON receipt_own (conversation) WHERE behind;

-- There is a row if this user sends no receipts.
CREATE TABLE receipts_off (
    id INTEGER PRIMARY KEY CHECK (id = 1)
) STRICT;
