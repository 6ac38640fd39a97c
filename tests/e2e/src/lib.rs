//! End-to-end tests of client and relay through their public APIs over real HTTPS. The tests stand in `tests/it`, the
//! process that they stop dead in `src/bin`; this library holds what both must agree on.

/// The fail points of `curo-sqlite`, which client and relay both pass: right before and right after each commit.
pub const SQLITE_POINTS: [&str; 2] = ["sqlite.before_commit", "sqlite.after_commit"];

/// The fail points of `curo-store`, which a client's process passes: the steps of a change of keys.
pub const STORE_POINTS: [&str; 3] = ["store.rekey.marked", "store.rekey.copied", "store.rekey.switched"];

/// Every fail point that a client's process can pass.
pub fn client_points() -> impl Iterator<Item = &'static str> {
    curo::failpoints::ALL
        .iter()
        .copied()
        .chain(SQLITE_POINTS)
        .chain(STORE_POINTS)
}

/// Every fail point that a relay's process can pass.
pub fn relay_points() -> impl Iterator<Item = &'static str> {
    curo_relay::failpoints::ALL.iter().copied().chain(SQLITE_POINTS)
}
