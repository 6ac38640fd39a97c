-- What an earlier build of the client kept because it did not understand it, for a later one (rules 2.4, 5.7).

-- The build by which everything that is kept was read. Another one reads it once more.
CREATE TABLE knowledge (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    build TEXT NOT NULL
) STRICT;

-- Inbox items of kinds that were not known, as JSON. They are acknowledged.
CREATE TABLE inbox_later (
    idx  INTEGER PRIMARY KEY,
    item BLOB    NOT NULL
) STRICT;

-- Messages whose content was not understood.
CREATE INDEX item_later ON item (id) WHERE kind = 'message' AND code IS NOT NULL;
