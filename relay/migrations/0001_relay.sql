-- The relay's embedded storage. The tenant stands first in every key. Times are milliseconds since 1970 UTC.
--
-- Without statistics SQLite takes an equality on a key's first column to leave ten rows. Here that column is the tenant, which
-- leaves them all: statements that go by another index name it (INDEXED BY), and a test explains every statement.

-- One row: the store's name, made with the store.
CREATE TABLE store (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    store_id BLOB NOT NULL CHECK (length(store_id) = 16)
) STRICT;
INSERT INTO store (id, store_id) VALUES (1, randomblob(16));

-- The tenant's two counters. Positions of the feed and directory versions come from UPDATE … RETURNING on this row, so
-- that they rise in the order in which transactions commit.
CREATE TABLE tenant (
    tenant            TEXT PRIMARY KEY,
    feed_position     INTEGER NOT NULL DEFAULT 0,
    directory_version INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE tenant_key (
    tenant         TEXT PRIMARY KEY,
    directory_seed BLOB NOT NULL CHECK (length(directory_seed) = 32),
    log_seed       BLOB NOT NULL CHECK (length(log_seed) = 32),
    created_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who an identity provider's subject is here. The subject goes no further than this table.
CREATE TABLE person (
    tenant     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    user       BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, subject)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX person_user ON person (tenant, user);

CREATE TABLE device (
    tenant        TEXT NOT NULL,
    device        BLOB NOT NULL,
    user          BLOB NOT NULL,
    active        INTEGER NOT NULL CHECK (active IN (0, 1)),
    version       INTEGER NOT NULL,
    envelope_hash BLOB NOT NULL,
    -- Of the bytes that registered it.
    request_hash  BLOB NOT NULL,
    registered_ms INTEGER NOT NULL,
    last_seen_ms  INTEGER NOT NULL,
    -- Index of the last inbox item that was issued.
    inbox_last    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, device)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_user ON device (tenant, user);

-- Every key that was ever published; a key belongs to one device for ever.
CREATE TABLE device_key (
    tenant     TEXT NOT NULL,
    suite      INTEGER NOT NULL,
    public_key BLOB NOT NULL,
    device     BLOB NOT NULL,
    current    INTEGER NOT NULL CHECK (current IN (0, 1)),
    PRIMARY KEY (tenant, suite, public_key)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX device_key_current ON device_key (tenant, device, suite) WHERE current = 1;

-- The directory: envelopes, verbatim.
CREATE TABLE directory (
    tenant   TEXT NOT NULL,
    version  INTEGER NOT NULL,
    user     BLOB NOT NULL,
    device   BLOB NOT NULL,
    time_ms  INTEGER NOT NULL,
    envelope BLOB NOT NULL,
    PRIMARY KEY (tenant, version)
) STRICT;
CREATE INDEX directory_user ON directory (tenant, user, version);
CREATE INDEX directory_device ON directory (tenant, device, version);

CREATE TABLE key_package (
    tenant      TEXT NOT NULL,
    device      BLOB NOT NULL,
    suite       INTEGER NOT NULL,
    hash_ref    BLOB NOT NULL,
    -- free and last_resort can be claimed; claimed and superseded are kept for claims that are asked for again.
    state       TEXT NOT NULL CHECK (state IN ('free', 'last_resort', 'claimed', 'superseded')),
    uploaded_ms INTEGER NOT NULL,
    -- When it got its state.
    changed_ms  INTEGER NOT NULL,
    bytes       BLOB NOT NULL,
    PRIMARY KEY (tenant, device, suite, hash_ref)
) STRICT;
CREATE INDEX key_package_stock ON key_package (tenant, device, suite, state, uploaded_ms);
CREATE INDEX key_package_done ON key_package (changed_ms) WHERE state IN ('claimed', 'superseded');

CREATE TABLE claim (
    tenant            TEXT NOT NULL,
    claimer           BLOB NOT NULL,
    claim             BLOB NOT NULL,
    -- SHA-256 of suite and users.
    request_hash      BLOB NOT NULL,
    directory_version INTEGER NOT NULL,
    time_ms           INTEGER NOT NULL,
    PRIMARY KEY (tenant, claimer, claim)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_time ON claim (time_ms);

CREATE TABLE claim_item (
    tenant   TEXT NOT NULL,
    claimer  BLOB NOT NULL,
    claim    BLOB NOT NULL,
    ord      INTEGER NOT NULL,
    user     BLOB NOT NULL,
    device   BLOB NOT NULL,
    suite    INTEGER NOT NULL,
    hash_ref BLOB NOT NULL,
    PRIMARY KEY (tenant, claimer, claim, ord)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_item_key_package ON claim_item (tenant, device, suite, hash_ref);

-- One running window for each user and kind.
CREATE TABLE rate (
    tenant       TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('claimer', 'target')),
    user         BLOB NOT NULL,
    window_ms    INTEGER NOT NULL,
    count        INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX rate_window ON rate (window_ms);

CREATE TABLE conversation (
    tenant        TEXT NOT NULL,
    conversation  BLOB NOT NULL,
    -- The live one.
    incarnation   INTEGER NOT NULL,
    -- Feed positions of the last entry and of the last moved cursor.
    last_position   INTEGER NOT NULL,
    cursor_position INTEGER NOT NULL,
    PRIMARY KEY (tenant, conversation)
) STRICT, WITHOUT ROWID;

-- Small and hot: blobs stand in group_state, because SQLite writes a row as a whole.
CREATE TABLE incarnation (
    tenant       TEXT NOT NULL,
    conversation BLOB NOT NULL,
    incarnation  INTEGER NOT NULL,
    group_id     BLOB NOT NULL,
    suite        INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,
    last_seq     INTEGER NOT NULL,
    last_h       BLOB NOT NULL,
    leaves       INTEGER NOT NULL,
    created_ms   INTEGER NOT NULL,
    PRIMARY KEY (tenant, conversation, incarnation)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX incarnation_group ON incarnation (tenant, group_id);

-- The follower's state and the GroupInfo of the current epoch.
CREATE TABLE group_state (
    tenant       TEXT NOT NULL,
    conversation BLOB NOT NULL,
    incarnation  INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,
    follower     BLOB NOT NULL,
    group_info   BLOB NOT NULL,
    PRIMARY KEY (tenant, conversation, incarnation)
) STRICT;

-- The log's skeleton: lives as long as the incarnation, and is what intents are recognised by.
CREATE TABLE entry (
    tenant            TEXT NOT NULL,
    conversation      BLOB NOT NULL,
    incarnation       INTEGER NOT NULL,
    seq               INTEGER NOT NULL,
    kind              TEXT NOT NULL CHECK (kind IN ('commit', 'message')),
    epoch             INTEGER NOT NULL,
    sender            BLOB NOT NULL,
    intent            BLOB NOT NULL,
    directory_version INTEGER,
    body_hash         BLOB NOT NULL,
    time_ms           INTEGER NOT NULL,
    h                 BLOB NOT NULL,
    position          INTEGER NOT NULL,
    PRIMARY KEY (tenant, conversation, incarnation, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX entry_intent ON entry (tenant, conversation, incarnation, sender, intent);
CREATE UNIQUE INDEX entry_position ON entry (tenant, conversation, incarnation, position);
-- One commit wins an epoch, whatever the code above this schema does.
CREATE UNIQUE INDEX entry_winner ON entry (tenant, conversation, incarnation, epoch) WHERE kind = 'commit';

-- The bodies, apart, so that they can be dropped once archived.
CREATE TABLE body (
    tenant       TEXT NOT NULL,
    conversation BLOB NOT NULL,
    incarnation  INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    body         BLOB NOT NULL,
    PRIMARY KEY (tenant, conversation, incarnation, seq)
) STRICT;

-- What a device has done in an incarnation, over all its memberships.
CREATE TABLE participant (
    tenant          TEXT NOT NULL,
    conversation    BLOB NOT NULL,
    incarnation     INTEGER NOT NULL,
    device          BLOB NOT NULL,
    user            BLOB NOT NULL,
    -- Messages accepted from it.
    counter         INTEGER NOT NULL DEFAULT 0,
    -- The cursor that it has reported, and the feed position of that report.
    cursor_seq      INTEGER NOT NULL DEFAULT 0,
    cursor_position INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, conversation, incarnation, device)
) STRICT, WITHOUT ROWID;

-- A span of membership: it sees the entries after joined_position up to removed_position. A device that is added again
-- has a new row.
CREATE TABLE membership (
    tenant           TEXT NOT NULL,
    conversation     BLOB NOT NULL,
    incarnation      INTEGER NOT NULL,
    device           BLOB NOT NULL,
    joined_seq       INTEGER NOT NULL,
    joined_position  INTEGER NOT NULL,
    removed_seq      INTEGER,
    removed_position INTEGER,
    PRIMARY KEY (tenant, conversation, incarnation, device, joined_seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX membership_leaf ON membership (tenant, conversation, incarnation, device) WHERE removed_seq IS NULL;
CREATE INDEX membership_device ON membership (tenant, device);

-- Ratchet trees by the commit that made them: the current one, and those that an inbox item needs.
CREATE TABLE tree (
    tenant       TEXT NOT NULL,
    conversation BLOB NOT NULL,
    incarnation  INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    tree_hash    BLOB NOT NULL,
    tree         BLOB NOT NULL,
    PRIMARY KEY (tenant, conversation, incarnation, seq)
) STRICT;

-- Welcomes, once for all that they add, while an inbox item needs them.
CREATE TABLE welcome (
    tenant       TEXT NOT NULL,
    conversation BLOB NOT NULL,
    incarnation  INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    welcome      BLOB NOT NULL,
    PRIMARY KEY (tenant, conversation, incarnation, seq)
) STRICT;

CREATE TABLE inbox (
    tenant       TEXT NOT NULL,
    device       BLOB NOT NULL,
    idx          INTEGER NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('welcome', 'removed')),
    conversation BLOB NOT NULL,
    incarnation  INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    position     INTEGER NOT NULL,
    PRIMARY KEY (tenant, device, idx)
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_entry ON inbox (tenant, conversation, incarnation, seq) WHERE kind = 'welcome';
