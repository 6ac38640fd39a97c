-- Approval of later devices by another one of their user (docs/protocol.md 2.11).

-- The directory version after which it is needed; absent where the tenant asks for none.
ALTER TABLE tenant ADD COLUMN approval_since INTEGER;

-- Devices that wait for it, or were refused.
CREATE TABLE pending_device (
    tenant   TEXT NOT NULL,
    device   BLOB NOT NULL,
    user     BLOB NOT NULL,
    asked_ms INTEGER NOT NULL,
    refused  INTEGER NOT NULL CHECK (refused IN (0, 1)),
    -- As the device has submitted it.
    envelope BLOB NOT NULL,
    PRIMARY KEY (tenant, device)
) STRICT, WITHOUT ROWID;
CREATE INDEX pending_device_user ON pending_device (tenant, user, asked_ms);
CREATE INDEX pending_device_asked ON pending_device (asked_ms);
