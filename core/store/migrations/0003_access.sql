-- Why the user asked for it: the access context of an intent (docs/protocol.md 2.16), which its request carries.
ALTER TABLE outbox ADD COLUMN access BLOB;
