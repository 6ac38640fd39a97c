-- What a restored relay may have lost of its directory, and who this account was there (rule 7.2).

-- The relay's signature over who this account's subject is, as it came.
ALTER TABLE account ADD COLUMN statement BLOB;

-- Directory versions that the relay has lost: those after the first and up to the second.
CREATE TABLE lost_versions (
    after_version INTEGER PRIMARY KEY,
    until_version INTEGER NOT NULL
) STRICT;

-- Envelopes of such versions, until they are offered.
CREATE TABLE lost_envelope (
    version  INTEGER PRIMARY KEY,
    user     BLOB    NOT NULL,
    envelope BLOB    NOT NULL
) STRICT;

-- This device's own envelopes, as they came back from the relay.
CREATE TABLE own_envelope (
    version  INTEGER PRIMARY KEY,
    envelope BLOB    NOT NULL
) STRICT;
INSERT INTO own_envelope (version, envelope) SELECT registered, envelope FROM account WHERE registered IS NOT NULL;
