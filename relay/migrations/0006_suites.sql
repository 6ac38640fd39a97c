-- A claim takes the suite that fits everybody; the same claim again answers with the same one.
ALTER TABLE claim ADD COLUMN suite INTEGER NOT NULL DEFAULT 1;
