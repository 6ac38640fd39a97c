//! How much memory a notification extension takes to handle one push of a group: prints one JSON line a case, in KiB.
//! `cargo run -p curo-e2e --example extension_memory [MEMBERS]`, 200 members unless told; Linux only.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a measurement: it prints, and stops where it cannot measure"
)]

use curo_e2e::extension::{self, Order, Stage};

/// Before the order: this process is the extension.
const EXTENSION: &str = "extension";

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [role, order] = arguments.as_slice()
        && role == EXTENSION
    {
        let order: Order = serde_json::from_str(order).unwrap();
        let cost = extension::handle(&order).unwrap();
        println!("{}", serde_json::to_string(&cost).unwrap());
        return;
    }
    let members = arguments.first().map_or(200, |members| members.parse().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut stage = runtime.block_on(Stage::set(members)).unwrap();
    let own = std::env::current_exe().unwrap();
    for (case, with_commit) in [("a message", false), ("a commit and a message", true)] {
        let order = runtime.block_on(stage.push(with_commit)).unwrap();
        let order = serde_json::to_value(&order).unwrap();
        let cost = extension::measured(&own, &[EXTENSION], &order).unwrap();
        let cost = serde_json::to_value(cost).unwrap();
        println!(
            "{}",
            serde_json::json!({ "members": members, "case": case, "kib": cost })
        );
    }
}
