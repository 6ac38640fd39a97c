//! No work of a snapshot grows with the history: counted in steps of SQLite's virtual machine, which does all that reads.

use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

use super::*;
use crate::observe::tests::schema;

/// What a reading of a window costs, and how many rows it shows.
fn cost(conn: &mut Connection, me: &Account, stand: Place) -> (u64, usize) {
    let counted = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&counted);
    let reading = Reading {
        id: CARE,
        me: me.clone(),
        stand,
        items: Arc::default(),
    };
    let count = move || {
        counter.fetch_add(1, Ordering::Relaxed);
        false
    };
    conn.progress_handler(1, Some(count)).unwrap();
    let found = reading.run(conn).unwrap();
    conn.progress_handler(0, None::<fn() -> bool>).unwrap();
    let (state, _) = found.show(&ConnectionState::Live, (&Load::Idle, &Load::Idle), || 1);
    assert!(state.new_below <= 1);
    (counted.load(Ordering::Relaxed), state.items.len())
}

#[tokio::test]
async fn ten_times_the_history_costs_the_same() {
    let (core, _dir, _) = with_conversation().await;
    let me = core.account().await.unwrap();
    let mut costs = Vec::new();
    for history in [2000, 20_000_u64] {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(&schema(&core).await).unwrap();
        conversation::put(&conn, &conversation_row()).unwrap();
        conn.execute_batch("BEGIN").unwrap();
        for n in 1..=history {
            item::add(&conn, CARE, &row(log(n), n, n % 3 == 0)).unwrap();
        }
        conn.execute_batch("COMMIT; ANALYZE").unwrap();
        let middle = key(history / 2, (history / 2).is_multiple_of(3));
        let newest = read::newest(&conn, CARE, 100).unwrap();
        let around = read::around(&conn, CARE, middle, 100).unwrap().unwrap();
        // Both ends have more, and what came after the opening is counted.
        item::add(&conn, CARE, &row(log(history + 1), history + 1, false)).unwrap();
        costs.push([cost(&mut conn, &me, newest), cost(&mut conn, &me, around)]);
    }
    for (less, more) in costs[0].iter().zip(&costs[1]) {
        assert!(less.0 > 1000 && less.1 >= 100, "{costs:?}: nothing was counted");
        assert_eq!(less.1, more.1);
        assert!(more.0.abs_diff(less.0) * 20 <= less.0, "{costs:?}");
    }
}
