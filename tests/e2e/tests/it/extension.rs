//! What a notification extension may take: iOS ends it at 24 MB, and half of that belongs to the app's own part.

use std::path::Path;

use curo_e2e::extension::{Stage, measured};

use crate::logs;

/// The footprint of the whole process, its runtime included: anonymous memory. Code is read from files and does not count.
const MOST_KIB: u64 = 8 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn a_push_of_a_group_of_200_is_handled_in_less_than_8_mib() {
    logs();
    let mut stage = Stage::set(200).await.unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_curo-e2e-child"));
    for with_commit in [false, true] {
        let order = stage.push(with_commit).await.unwrap().to_json();
        let cost = tokio::task::block_in_place(|| measured(program, &[], &order)).unwrap();
        assert!(cost.new_messages > 0, "{cost:?}");
        let (before, after) = (cost.baseline.anonymous, cost.handled.anonymous);
        assert!(0 < before && before < after, "nothing was measured: {cost:?}");
        assert!(cost.anonymous_peak < MOST_KIB, "with a commit: {with_commit}: {cost:?}");
    }
}
