-- Where a device wants to be woken: what the push gateway finds its installation by, and the random token that a push bears.
CREATE TABLE push (
    tenant     TEXT    NOT NULL,
    device     BLOB    NOT NULL,
    target     TEXT    NOT NULL,
    token      BLOB    NOT NULL CHECK (length(token) = 16),
    changed_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, device)
) STRICT, WITHOUT ROWID;
