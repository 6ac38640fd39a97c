-- What members know of a conversation itself: title, subjects, roles and names (docs/protocol.md 2.21, rule 6.5).

-- `whole` 0: this device joined and waits for what was before; until then `about_waiting` keeps the changes since. `owed`: it
-- added others meanwhile and owes them the whole.
CREATE TABLE about (
    conversation BLOB    PRIMARY KEY,
    title        TEXT    NOT NULL DEFAULT '',
    whole        INTEGER NOT NULL,
    owed         INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE about_subject (
    conversation BLOB NOT NULL,
    system       TEXT NOT NULL,
    value        TEXT NOT NULL,
    PRIMARY KEY (conversation, system, value)
) STRICT, WITHOUT ROWID;

-- Who has no row is a member. `in_force` is the role when the epoch began: what commits and changes are judged by.
CREATE TABLE about_role (
    conversation BLOB NOT NULL,
    user         BLOB NOT NULL,
    role         TEXT NOT NULL,
    in_force     TEXT NOT NULL,
    PRIMARY KEY (conversation, user)
) STRICT, WITHOUT ROWID;

CREATE TABLE about_name (
    conversation BLOB NOT NULL,
    user         BLOB NOT NULL,
    name         TEXT NOT NULL,
    PRIMARY KEY (conversation, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX about_name_user ON about_name (user);

-- Devices from which the whole is taken: those that added somebody since this device joined.
CREATE TABLE about_adder (
    conversation BLOB NOT NULL,
    device       BLOB NOT NULL,
    PRIMARY KEY (conversation, device)
) STRICT, WITHOUT ROWID;

CREATE TABLE about_waiting (
    conversation BLOB    NOT NULL,
    seq          INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,
    user         BLOB    NOT NULL,
    body         BLOB    NOT NULL,
    PRIMARY KEY (conversation, seq)
) STRICT, WITHOUT ROWID;

-- How this user wants to be called.
CREATE TABLE own_name (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT    NOT NULL
) STRICT;

-- The timeline's kinds are an open set from here on: the code knows them, and later versions add others.
ALTER TABLE item RENAME TO item_before;
DROP INDEX item_order;
DROP INDEX item_message;
DROP INDEX item_reply;
DROP INDEX item_thread;
DROP INDEX item_search;
CREATE TABLE item (
    id                INTEGER PRIMARY KEY,
    conversation      BLOB    NOT NULL,
    order_incarnation INTEGER NOT NULL,
    order_seq         INTEGER NOT NULL,
    kind              TEXT    NOT NULL,
    sender_device     BLOB    NOT NULL,
    sender_user       BLOB,
    message           BLOB    NOT NULL,
    content           BLOB,
    claimed_ms        INTEGER,
    accepted_ms       INTEGER,
    code              TEXT,
    revision          INTEGER NOT NULL DEFAULT 1,
    edit              BLOB,
    edited_ms         INTEGER,
    deleted           INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1, 2)),
    touched           INTEGER NOT NULL DEFAULT 0,
    counts            INTEGER NOT NULL DEFAULT 0,
    priority          INTEGER NOT NULL DEFAULT 0,
    reply_sender      BLOB,
    reply_message     BLOB,
    thread_sender     BLOB,
    thread_message    BLOB,
    thread_count      INTEGER NOT NULL DEFAULT 0,
    search            INTEGER
) STRICT;
INSERT INTO item SELECT * FROM item_before;
DROP TABLE item_before;
CREATE UNIQUE INDEX item_order ON item (conversation, order_incarnation, order_seq);
CREATE UNIQUE INDEX item_message ON item (conversation, sender_device, message);
CREATE INDEX item_reply ON item (conversation, reply_sender, reply_message) WHERE reply_message IS NOT NULL;
CREATE INDEX item_thread ON item (conversation, thread_sender, thread_message, order_incarnation, order_seq)
    WHERE thread_message IS NOT NULL;
CREATE UNIQUE INDEX item_search ON item (search) WHERE search IS NOT NULL;
