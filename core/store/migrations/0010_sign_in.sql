-- When the person signed in, how long that holds, and what the profile is called. One row from the first sign-in on.
-- `seen_ms` is the latest time of the device's clock that was ever seen: a clock that is set back prolongs nothing.
CREATE TABLE sign_in (
    id               INTEGER PRIMARY KEY CHECK (id = 1),
    signed_in_ms     INTEGER NOT NULL,
    seen_ms          INTEGER NOT NULL,
    idle_lock_ms     INTEGER,
    session_limit_ms INTEGER,
    label            TEXT,
    signing_out      INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Where pushes for this device go, and the random token that they bear. `registered` says that the relay has it.
CREATE TABLE push (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    target     TEXT    NOT NULL,
    token      BLOB    NOT NULL CHECK (length(token) = 16),
    registered INTEGER NOT NULL DEFAULT 0
) STRICT;
