-- The store itself: whose it is, who holds it, and the MLS engine's rows.

-- One row. `generation` rises whenever a process takes the store; a writer that sees another than its own stops.
CREATE TABLE meta (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    profile    BLOB    NOT NULL CHECK (length(profile) = 16),
    generation INTEGER NOT NULL
) STRICT;

-- The MLS engine's entities, one label per kind. Keys and values are opaque here.
CREATE TABLE mls (
    tbl   TEXT NOT NULL,
    key   BLOB NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (tbl, key)
) STRICT, WITHOUT ROWID;
