//! No work of a snapshot grows with the history: counted in steps of SQLite's virtual machine, which does all that reads.

use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

use curo_store::repo::search;
use curo_types::format::{ContentBody, Priority, Reference, TextBody};

use super::*;
use crate::fold::Folding;
use crate::observe::tests::schema;
use crate::search::index;

/// How many steps a job takes, and what it gives.
fn counted<T>(conn: &mut Connection, job: impl FnOnce(&Connection) -> T) -> (u64, T) {
    let counted = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&counted);
    let count = move || {
        counter.fetch_add(1, Ordering::Relaxed);
        false
    };
    conn.progress_handler(1, Some(count)).unwrap();
    let given = job(conn);
    conn.progress_handler(0, None::<fn() -> bool>).unwrap();
    (counted.load(Ordering::Relaxed), given)
}

/// What a reading of a window costs, and how many rows it shows.
fn cost(conn: &mut Connection, me: &Account, stand: Place) -> (u64, usize) {
    let reading = Reading {
        id: CARE,
        me: me.clone(),
        stand,
        items: Arc::default(),
    };
    let (steps, found) = counted(conn, |conn| reading.run(conn).unwrap());
    let (state, _) = found.show(&ConnectionState::Live, (&Load::Idle, &Load::Idle), || 1);
    assert!(state.new_below <= 1);
    (steps, state.items.len())
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

/// A history in which every third message was edited, every fifth has a reaction, every seventh is urgent; all are found by
/// one word, few by another.
fn talked_about(conn: &Connection, me: &Account, history: u64) {
    let folding = Folding::new(conn, me, CARE);
    let mut seq = 0;
    let mut say = |n: u64, body: &ContentBody| {
        seq += 1;
        let content = Content::of(name(n), body).unwrap();
        let row = ItemRow {
            content: Some(content.to_bytes().unwrap()),
            ..row(log(seq), n, false)
        };
        folding.take(row, Some(&content)).unwrap();
    };
    for n in 1..=history {
        let target = Reference {
            sender: THEIRS,
            message: name(n),
        };
        let rare = if n % (history / 50) == 0 { "rare" } else { "" };
        let text = TextBody {
            text: format!("common {rare} {n}").as_str().into(),
            priority: if n % 7 == 0 {
                Priority::Urgent
            } else {
                Priority::Routine
            },
            ..TextBody::default()
        };
        say(n, &ContentBody::Text(text));
        if n % 3 == 0 {
            let text = format!("common {rare} {n} edited").as_str().into();
            let mentions = Vec::new();
            say(history + 2 * n, &ContentBody::Edit { target, text, mentions });
        }
        if n % 5 == 0 {
            let (emoji, set) = ("+1".into(), true);
            say(history + 2 * n + 1, &ContentBody::Reaction { target, emoji, set });
        }
    }
}

#[tokio::test]
async fn ten_times_the_history_costs_the_same_with_edits_reactions_and_in_a_search() {
    let (core, _dir, _) = with_conversation().await;
    let me = core.account().await.unwrap();
    let mut costs = Vec::new();
    for history in [1000, 10_000_u64] {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(&schema(&core).await).unwrap();
        conversation::put(&conn, &conversation_row()).unwrap();
        conn.execute_batch("BEGIN").unwrap();
        talked_about(&conn, &me, history);
        conn.execute_batch("COMMIT; ANALYZE").unwrap();
        let newest = read::newest(&conn, CARE, 100).unwrap();
        let around = read::around(&conn, CARE, key(history / 2, false), 100)
            .unwrap()
            .unwrap();
        let mut all = vec![cost(&mut conn, &me, newest), cost(&mut conn, &me, around)];
        for (word, scope) in [("common", None), ("common", Some(CARE)), ("rare", None)] {
            let query = index::query(word).unwrap();
            let page = |conn: &Connection, below| search::find(conn, &query, scope, below, index::MARKS, 20).unwrap();
            let (first, found) = counted(&mut conn, |conn| page(conn, None));
            let below = found.last().unwrap().row;
            let (second, next) = counted(&mut conn, |conn| page(conn, Some(below)));
            all.extend([(first, found.len()), (second, next.len())]);
        }
        costs.push(all);
    }
    for (less, more) in costs[0].iter().zip(&costs[1]) {
        assert!(less.0 > 100 && less.1 >= 20, "{costs:?}: nothing was counted");
        assert_eq!(less.1, more.1);
        assert!(more.0.abs_diff(less.0) * 10 <= less.0, "{costs:?}");
    }
}
