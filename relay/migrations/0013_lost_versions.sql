-- Directory versions that this store has lost, because it was restored from a backup (docs/protocol.md 7.2): those after the
-- backup's and up to the one that the restored store began with. None of them is used again.
CREATE TABLE lost_versions (
    tenant        TEXT    NOT NULL,
    after_version INTEGER NOT NULL,
    until_version INTEGER NOT NULL,
    PRIMARY KEY (tenant, after_version)
) STRICT, WITHOUT ROWID;
