-- Incarnations after the first: why one is over and what of it stands (protocol 3.7, 3.9, 7.2).
ALTER TABLE incarnation ADD COLUMN over TEXT CHECK (over IN ('commit', 'lost', 'closed'));
-- Sequence number of the last entry that stands; what followed is sent again by its authors.
ALTER TABLE incarnation ADD COLUMN stands INTEGER;

-- Members who cannot process the commit at seq: one row a user.
CREATE TABLE report (
    tenant       TEXT NOT NULL,
    conversation BLOB NOT NULL,
    incarnation  INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    user         BLOB NOT NULL,
    reason       TEXT NOT NULL,
    time_ms      INTEGER NOT NULL,
    PRIMARY KEY (tenant, conversation, incarnation, seq, user)
) STRICT, WITHOUT ROWID;

-- Fairness (3.10). How many epochs in a row a device has lost, the last of them, and when it was granted a turn that it has
-- not used.
ALTER TABLE participant ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE participant ADD COLUMN lost_epoch INTEGER NOT NULL DEFAULT -1;
ALTER TABLE participant ADD COLUMN turn_ms INTEGER NOT NULL DEFAULT 0;

-- Who alone may commit, and who alone is asked to do what the roster owes, until when. The duty 'commit' is the commit turn.
CREATE TABLE turn (
    tenant       TEXT NOT NULL,
    conversation BLOB NOT NULL,
    incarnation  INTEGER NOT NULL,
    duty         TEXT NOT NULL,
    device       BLOB NOT NULL,
    until_ms     INTEGER NOT NULL,
    PRIMARY KEY (tenant, conversation, incarnation, duty)
) STRICT, WITHOUT ROWID;
CREATE INDEX turn_until ON turn (until_ms);

-- A third kind of news: the conversation has gone on in another incarnation.
CREATE TABLE inbox_next (
    tenant       TEXT NOT NULL,
    device       BLOB NOT NULL,
    idx          INTEGER NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('welcome', 'removed', 'incarnation')),
    conversation BLOB NOT NULL,
    incarnation  INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    position     INTEGER NOT NULL,
    PRIMARY KEY (tenant, device, idx)
) STRICT, WITHOUT ROWID;
INSERT INTO inbox_next SELECT tenant, device, idx, kind, conversation, incarnation, seq, position FROM inbox;
DROP TABLE inbox;
ALTER TABLE inbox_next RENAME TO inbox;
CREATE INDEX inbox_entry ON inbox (tenant, conversation, incarnation, seq) WHERE kind = 'welcome';
