-- Approval of later devices by another one of their user (docs/protocol.md 2.11).

-- Whether an addition needs no approval, or bears one: the user's first device, or signed by another active one.
ALTER TABLE directory_envelope ADD COLUMN approved INTEGER NOT NULL DEFAULT 0;

-- The directory version after which the tenant asks for it; once there it stays, and only falls.
CREATE TABLE approval (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    since INTEGER NOT NULL
) STRICT;

-- Devices of this user that wait for it.
CREATE TABLE waiting_device (
    device BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
