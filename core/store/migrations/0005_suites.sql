-- A device has one signature key for each suite that its tenant allows (docs/protocol.md section 2.1).

-- Keys of this device. Those that are not in its envelope yet are in the rotation that waits for the relay's answer.
CREATE TABLE account_key (
    suite      INTEGER PRIMARY KEY,
    public_key BLOB    NOT NULL,
    published  INTEGER NOT NULL CHECK (published IN (0, 1))
) STRICT;
INSERT INTO account_key (suite, public_key, published) SELECT suite, signature_key, 1 FROM account;

-- The tenant's suites that this build can run, best first.
CREATE TABLE account_suite (
    rank  INTEGER PRIMARY KEY,
    suite INTEGER NOT NULL
) STRICT;
INSERT INTO account_suite (rank, suite) SELECT 0, suite FROM account;

ALTER TABLE account DROP COLUMN suite;
ALTER TABLE account DROP COLUMN signature_key;
-- The envelope that adds keys, until the relay has answered it.
ALTER TABLE account ADD COLUMN rotation BLOB;
-- The suites whose keys the verified envelopes were read for: a build that can run more reads them again.
ALTER TABLE account ADD COLUMN read_suites TEXT NOT NULL DEFAULT '';
