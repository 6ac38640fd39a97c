//! End-to-end tests of client and relay through their public APIs over real HTTPS. The tests stand in `tests/it`, the
//! process that they stop dead in `src/bin`; this library holds what both must agree on.

/// The fail points of `curo-sqlite`, which client and relay both pass: right before and right after each commit.
pub const SQLITE_POINTS: [&str; 2] = ["sqlite.before_commit", "sqlite.after_commit"];

/// The fail points of `curo-store`, which a client's process passes: the steps of a change of keys.
pub const STORE_POINTS: [&str; 3] = ["store.rekey.marked", "store.rekey.copied", "store.rekey.switched"];

/// Fail points of what does not happen in ordinary work; the tests of those cases kill there.
pub const RARE_POINTS: [&str; 6] = [
    "client.renewal.",
    "client.recovery.",
    "relay.group.",
    "relay.push.",
    "relay.replay.",
    "relay.report.",
];

fn is_ordinary(point: &&str) -> bool {
    !RARE_POINTS.iter().any(|rare| point.starts_with(rare))
}

/// Every fail point that there is.
pub fn all_points() -> impl Iterator<Item = &'static str> {
    let ours = curo::failpoints::ALL.iter().chain(curo_relay::failpoints::ALL);
    ours.copied()
        .chain(SQLITE_POINTS)
        .chain(STORE_POINTS)
        .chain(ending_points())
}

/// Every fail point that a client's process passes in ordinary work.
pub fn client_points() -> impl Iterator<Item = &'static str> {
    curo::failpoints::ALL
        .iter()
        .copied()
        .filter(is_ordinary)
        .chain(SQLITE_POINTS)
        .chain(STORE_POINTS)
}

/// The fail points of what ends a profile: no ordinary work passes them.
pub fn ending_points() -> impl Iterator<Item = &'static str> {
    curo::failpoints::ENDING.iter().copied()
}

/// Every fail point that a relay's process passes in ordinary work.
pub fn relay_points() -> impl Iterator<Item = &'static str> {
    curo_relay::failpoints::ALL
        .iter()
        .copied()
        .filter(is_ordinary)
        .chain(SQLITE_POINTS)
}
