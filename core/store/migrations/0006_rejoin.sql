-- Conversations that cannot go on here and what is done about it (rules 4.4, 7.1 and 7.4).

-- One row while a conversation is on the ladder. `tries` counts rungs that did not help. The intent stays the same until an
-- external commit is accepted; what stands behind it is the one that is made: its exact bytes, and the group's rows that it
-- leads to, which hold private keys.
CREATE TABLE rejoin (
    conversation BLOB    PRIMARY KEY,
    tries        INTEGER NOT NULL,
    intent       BLOB    NOT NULL,
    incarnation  INTEGER,
    group_id     BLOB,
    suite        INTEGER,
    commit_bytes BLOB,
    group_info   BLOB,
    mls          BLOB,
    -- The relay's word when it was made: own messages accepted, the tip, the first entry that is kept.
    counter      INTEGER,
    tip_seq      INTEGER,
    kept_from    INTEGER
) STRICT, WITHOUT ROWID;

-- One row from the moment that this store was found to be older than what the relay has seen of this device, until every
-- group is rejoined.
CREATE TABLE rollback (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    noted_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX conversation_frozen ON conversation (frozen_code) WHERE state = 'frozen';
