-- From which entry to which a device had its place in a conversation's group, and how far it has come in that time: what
-- delivery is counted from (rule 8.2). What was said before it came, or while it was away, it never had.
CREATE TABLE leaf (
    conversation BLOB    NOT NULL,
    incarnation  INTEGER NOT NULL,
    user         BLOB    NOT NULL,
    device       BLOB    NOT NULL,
    -- The entry that brought it in.
    since        INTEGER NOT NULL,
    -- The first entry that it did not have any more, or of which nobody can say here whether it had it.
    until        INTEGER,
    -- The last entry that it is said to have applied.
    cursor       INTEGER NOT NULL,
    PRIMARY KEY (conversation, incarnation, device, since)
) STRICT, WITHOUT ROWID;
INSERT INTO leaf (conversation, incarnation, user, device, since, cursor)
    SELECT conversation, incarnation, user, device, 0, seq FROM device_cursor;
DROP TABLE device_cursor;

-- Cursors ahead of this device's own: in which stay of theirs they stand is known when it gets there.
CREATE TABLE cursor_ahead (
    conversation BLOB    NOT NULL,
    incarnation  INTEGER NOT NULL,
    device       BLOB    NOT NULL,
    seq          INTEGER NOT NULL,
    PRIMARY KEY (conversation, incarnation, device)
) STRICT, WITHOUT ROWID;
