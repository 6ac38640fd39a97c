-- Read receipts: one slot for each device and conversation, sealed for its members. The last one of a device takes the
-- place of the one before, in another incarnation too.
CREATE TABLE receipt (
    tenant       TEXT NOT NULL,
    conversation BLOB NOT NULL,
    device       BLOB NOT NULL,
    incarnation  INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,
    sealed       BLOB NOT NULL,
    -- Feed position of its last change.
    position     INTEGER NOT NULL,
    changed_ms   INTEGER NOT NULL,
    PRIMARY KEY (tenant, conversation, device)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX receipt_position ON receipt (tenant, conversation, position);
-- Feed position of the last receipt, so that sync passes over conversations without new ones.
ALTER TABLE conversation ADD COLUMN receipt_position INTEGER NOT NULL DEFAULT 0;
