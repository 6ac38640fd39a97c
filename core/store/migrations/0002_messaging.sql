-- What a profile keeps of its account, the directory, conversations and the outbox (docs/protocol.md sections 2 to 5).
-- Ids are 16-byte blobs, hashes 32-byte blobs, times milliseconds since 1970 UTC.

-- The one account that the profile is bound to.
CREATE TABLE account (
    id                INTEGER PRIMARY KEY CHECK (id = 1),
    tenant            TEXT    NOT NULL,
    user              BLOB    NOT NULL,
    device            BLOB    NOT NULL,
    suite             INTEGER NOT NULL,
    signature_key     BLOB    NOT NULL,
    dpop_key          BLOB    NOT NULL,
    audit_chain       BLOB    NOT NULL,
    relay_store       BLOB    NOT NULL,
    directory_key     BLOB    NOT NULL,
    log_key           BLOB    NOT NULL,
    envelope          BLOB    NOT NULL,
    registered        INTEGER,
    directory_version INTEGER NOT NULL DEFAULT 0,
    sync_token        TEXT,
    inbox_ack         INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Verified envelopes, and the keys that they published. A user's envelopes are complete up to directory_user.complete_to.
CREATE TABLE directory_envelope (
    version  INTEGER PRIMARY KEY,
    user     BLOB NOT NULL,
    device   BLOB NOT NULL,
    envelope BLOB NOT NULL
) STRICT;
CREATE INDEX directory_envelope_device ON directory_envelope (device, version);
CREATE TABLE directory_key (
    device     BLOB    NOT NULL,
    suite      INTEGER NOT NULL,
    public_key BLOB    NOT NULL,
    version    INTEGER NOT NULL,
    PRIMARY KEY (device, suite, public_key, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX directory_key_public ON directory_key (public_key);
CREATE INDEX directory_envelope_user ON directory_envelope (user);
CREATE TABLE directory_user (
    user        BLOB PRIMARY KEY,
    complete_to INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The identity provider's subjects that were looked up.
CREATE TABLE person (
    subject TEXT PRIMARY KEY,
    user    BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- KeyPackages made here and not yet on the relay.
CREATE TABLE key_package_upload (
    hash_ref    BLOB PRIMARY KEY,
    suite       INTEGER NOT NULL,
    last_resort INTEGER NOT NULL,
    bytes       BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE conversation (
    id            BLOB PRIMARY KEY,
    incarnation   INTEGER NOT NULL,
    group_id      BLOB,
    suite         INTEGER,
    state         TEXT    NOT NULL CHECK (state IN ('creating', 'waiting', 'active', 'removed', 'frozen')),
    frozen_code   TEXT,
    cursor_seq    INTEGER NOT NULL,
    cursor_h      BLOB    NOT NULL,
    joined_seq    INTEGER NOT NULL,
    epoch         INTEGER NOT NULL,
    sent_count    INTEGER NOT NULL DEFAULT 0,
    discarded     INTEGER NOT NULL DEFAULT 0,
    needs_update  INTEGER NOT NULL DEFAULT 0,
    reported_seq  INTEGER NOT NULL DEFAULT 0,
    behind        INTEGER NOT NULL DEFAULT 0,
    direct_with   BLOB,
    activity      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- One MLS group serves one conversation, whatever a relay says.
CREATE UNIQUE INDEX conversation_group ON conversation (group_id);
CREATE INDEX conversation_behind ON conversation (id) WHERE behind;
CREATE INDEX conversation_unreported ON conversation (id) WHERE cursor_seq > reported_seq;

-- Users on the roster, with the entries that brought and took them.
CREATE TABLE member (
    conversation BLOB    NOT NULL,
    user         BLOB    NOT NULL,
    incarnation  INTEGER NOT NULL,
    joined_seq   INTEGER NOT NULL,
    removed_seq  INTEGER,
    PRIMARY KEY (conversation, user, incarnation, joined_seq)
) STRICT, WITHOUT ROWID;

-- How far the devices of others have come: what delivery states are counted from.
CREATE TABLE device_cursor (
    conversation BLOB    NOT NULL,
    incarnation  INTEGER NOT NULL,
    user         BLOB    NOT NULL,
    device       BLOB    NOT NULL,
    seq          INTEGER NOT NULL,
    PRIMARY KEY (conversation, incarnation, user, device)
) STRICT, WITHOUT ROWID;

-- The timeline: messages and system events in display order (rule 8.1): (incarnation, seq), then unsent rows in local
-- order, for which order_incarnation is the largest integer and order_seq the outbox position.
CREATE TABLE item (
    id                INTEGER PRIMARY KEY,
    conversation      BLOB    NOT NULL,
    order_incarnation INTEGER NOT NULL,
    order_seq         INTEGER NOT NULL,
    kind              TEXT    NOT NULL CHECK (kind IN ('message', 'members', 'joined', 'unreadable', 'lost')),
    sender_device     BLOB    NOT NULL,
    sender_user       BLOB,
    message           BLOB    NOT NULL,
    content           BLOB,
    claimed_ms        INTEGER,
    accepted_ms       INTEGER,
    code              TEXT
) STRICT;
CREATE UNIQUE INDEX item_order ON item (conversation, order_incarnation, order_seq);
CREATE UNIQUE INDEX item_message ON item (conversation, sender_device, message);

-- One row an intent, for life (rule book section 4).
CREATE TABLE outbox (
    position     INTEGER PRIMARY KEY AUTOINCREMENT,
    intent       BLOB    NOT NULL UNIQUE,
    conversation BLOB    NOT NULL,
    kind         TEXT    NOT NULL CHECK (kind IN ('create', 'add', 'remove', 'update', 'message')),
    payload      BLOB    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('queued', 'prepared', 'unknown', 'accepted', 'done', 'failed')),
    incarnation  INTEGER,
    epoch        INTEGER,
    body         BLOB,
    body_hash    BLOB,
    request      BLOB,
    claim        BLOB,
    seq          INTEGER,
    code         TEXT,
    created_ms   INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_state ON outbox (state, conversation, position);
