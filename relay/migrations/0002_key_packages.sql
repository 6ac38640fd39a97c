-- KeyPackages that were given out are remembered for ever, without their bytes: one that comes again must never be taken for new.
DROP INDEX key_package_done;
CREATE INDEX key_package_done ON key_package (changed_ms)
    WHERE state IN ('claimed', 'superseded') AND length(bytes) > 0;
-- For the sweep of those that nobody is given any more.
CREATE INDEX key_package_free ON key_package (uploaded_ms) WHERE state = 'free';

-- One running window for each claiming user and target; the empty target counts all of them. A window is an hour: nothing to keep.
DROP TABLE rate;
CREATE TABLE rate (
    tenant       TEXT NOT NULL,
    user         BLOB NOT NULL,
    target       BLOB NOT NULL,
    window_ms    INTEGER NOT NULL,
    count        INTEGER NOT NULL,
    PRIMARY KEY (tenant, user, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX rate_window ON rate (window_ms);
