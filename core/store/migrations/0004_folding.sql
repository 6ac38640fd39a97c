-- What is said about a message later (rule 8.4), kept where the message stands, so that a screen reads the rows that it
-- shows and no others: edits, deletes, reactions, acknowledgements, threads, what is unread, drafts, full-text search.

-- revision rises whenever what stands in the row, or what is folded into it, changes.
ALTER TABLE item ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
-- The content of the last edit, which is shown in place of the original.
ALTER TABLE item ADD COLUMN edit BLOB;
ALTER TABLE item ADD COLUMN edited_ms INTEGER;
-- 0 no; 1 this user has asked for it, the relay has not accepted it; 2 yes: the content is gone.
ALTER TABLE item ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1, 2));
-- Whether any row of `change` is about it.
ALTER TABLE item ADD COLUMN touched INTEGER NOT NULL DEFAULT 0;
-- Whether it counts as unread behind the read mark: a message of somebody else that is not deleted.
ALTER TABLE item ADD COLUMN counts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN reply_sender BLOB;
ALTER TABLE item ADD COLUMN reply_message BLOB;
ALTER TABLE item ADD COLUMN thread_sender BLOB;
ALTER TABLE item ADD COLUMN thread_message BLOB;
-- Of a thread's root: messages in it.
ALTER TABLE item ADD COLUMN thread_count INTEGER NOT NULL DEFAULT 0;
-- Its row in `search`.
ALTER TABLE item ADD COLUMN search INTEGER;
CREATE INDEX item_reply ON item (conversation, reply_sender, reply_message) WHERE reply_message IS NOT NULL;
CREATE INDEX item_thread ON item (conversation, thread_sender, thread_message, order_incarnation, order_seq)
    WHERE thread_message IS NOT NULL;
CREATE UNIQUE INDEX item_search ON item (search) WHERE search IS NOT NULL;
UPDATE item SET counts = 1 WHERE kind = 'message' AND sender_user <> (SELECT user FROM account);

-- One row a message and target: an edit, delete, reaction, acknowledgement or receipt of a purge. `state`: `pending` until
-- the target arrives, `live` while it takes part in what is shown, `spent` afterwards; a spent row holds no content and
-- stays, because a message is taken once (rule 4.6).
CREATE TABLE change (
    id                INTEGER PRIMARY KEY,
    conversation      BLOB    NOT NULL,
    order_incarnation INTEGER NOT NULL,
    order_seq         INTEGER NOT NULL,
    kind              TEXT    NOT NULL CHECK (kind IN ('edit', 'delete', 'reaction', 'ack', 'purged')),
    state             TEXT    NOT NULL CHECK (state IN ('pending', 'live', 'spent')),
    sender_device     BLOB    NOT NULL,
    sender_user       BLOB    NOT NULL,
    message           BLOB    NOT NULL,
    target_sender     BLOB    NOT NULL,
    target_message    BLOB    NOT NULL,
    emoji             TEXT    NOT NULL DEFAULT '',
    value             INTEGER NOT NULL DEFAULT 0,
    content           BLOB,
    accepted_ms       INTEGER
) STRICT;
CREATE UNIQUE INDEX change_message ON change (conversation, sender_device, message, target_sender, target_message);
CREATE INDEX change_live ON change (conversation, target_sender, target_message, kind, sender_user, emoji)
    WHERE state = 'live';
CREATE INDEX change_waiting ON change (conversation, target_sender, target_message) WHERE state = 'pending';
CREATE INDEX change_waiting_sender ON change (conversation, sender_user, id) WHERE state = 'pending';

-- Deleted messages of others that this device has purged and not said so yet.
CREATE TABLE purge_owed (
    conversation BLOB NOT NULL,
    sender       BLOB NOT NULL,
    message      BLOB NOT NULL,
    PRIMARY KEY (conversation, sender, message)
) STRICT, WITHOUT ROWID;

-- A row that the core made by itself and nobody asked for. It is not counted, and dropped when it fails.
ALTER TABLE outbox ADD COLUMN system INTEGER NOT NULL DEFAULT 0;

-- What a list of conversations shows of one, and what only this device knows of it. The last message is its place in the
-- timeline; the read mark is the place up to which all is read, (0, 0) at first.
CREATE TABLE overview (
    conversation     BLOB    PRIMARY KEY,
    last_incarnation INTEGER,
    last_seq         INTEGER,
    read_incarnation INTEGER NOT NULL DEFAULT 0,
    read_seq         INTEGER NOT NULL DEFAULT 0,
    unread           INTEGER NOT NULL DEFAULT 0 CHECK (unread >= 0),
    muted            INTEGER NOT NULL DEFAULT 0,
    draft            TEXT,
    draft_ms         INTEGER,
    revision         INTEGER NOT NULL DEFAULT 1
) STRICT, WITHOUT ROWID;
CREATE INDEX overview_unread ON overview (unread, muted) WHERE unread > 0 AND NOT muted;
INSERT INTO overview (conversation, last_incarnation, last_seq, unread)
    SELECT i.conversation, l.order_incarnation, l.order_seq, i.unread
    FROM (SELECT conversation, sum(counts) AS unread, max(id) FILTER (WHERE kind = 'message') AS last FROM item
          GROUP BY conversation) AS i
    LEFT JOIN item AS l ON l.id = i.last;

-- Texts that can be found; `scope` is the conversation as one word. The row number is the relay's time of acceptance and a counter, so that the order of rows is
-- the order of time. What is deleted here is overwritten, as everywhere in this database.
CREATE VIRTUAL TABLE search USING fts5 (scope, text, tokenize = 'unicode61 remove_diacritics 2');
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
