-- Leaves of devices that were silent for long, and members without a leaf (rule 6.3).

-- Another reason why a leaf waits to be removed.
CREATE TABLE removal_pending_next (
    tenant       TEXT NOT NULL,
    conversation BLOB NOT NULL,
    incarnation  INTEGER NOT NULL,
    device       BLOB NOT NULL,
    user         BLOB NOT NULL,
    reason       TEXT NOT NULL CHECK (reason IN ('left', 'revoked', 'silent')),
    since_ms     INTEGER NOT NULL,
    -- Of one who left: the request.
    leave_device BLOB,
    leave_intent BLOB,
    PRIMARY KEY (tenant, conversation, incarnation, device)
) STRICT, WITHOUT ROWID;
INSERT INTO removal_pending_next SELECT * FROM removal_pending;
DROP TABLE removal_pending;
ALTER TABLE removal_pending_next RENAME TO removal_pending;
-- What goes when the device comes back.
CREATE INDEX removal_pending_silent ON removal_pending (tenant, device) WHERE reason = 'silent';

CREATE INDEX device_seen ON device (tenant, last_seen_ms, device) WHERE active = 1;

-- Users who are members without a leaf: from the commit that removed their last one, because it was silent, up to the one that
-- brought them back or took them off the roster.
CREATE TABLE dormant_member (
    tenant       TEXT NOT NULL,
    conversation BLOB NOT NULL,
    incarnation  INTEGER NOT NULL,
    user         BLOB NOT NULL,
    since_seq    INTEGER NOT NULL,
    until_seq    INTEGER,
    -- Whether that one took them off.
    gone         INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1)),
    PRIMARY KEY (tenant, conversation, incarnation, user)
) STRICT, WITHOUT ROWID;
-- Where a user may come in from outside.
CREATE INDEX dormant_member_user ON dormant_member (tenant, user) WHERE until_seq IS NULL;

-- When the relay was there last, and when it was not there: nobody was silent then.
CREATE TABLE presence (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE outage (
    from_ms  INTEGER PRIMARY KEY,
    until_ms INTEGER NOT NULL
) STRICT;
