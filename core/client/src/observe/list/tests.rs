//! The list over a store that is filled row by row.

use std::sync::atomic::{AtomicU64, Ordering};

use curo_store::repo::conversation::ConversationRow;
use curo_store::repo::item::{Fold, ItemKind, ItemRow, Place};
use curo_types::format::Content;
use curo_types::{DeviceId, MessageId};

use super::*;
use crate::fold::Folding;
use crate::observe::tests::{ME, core, schema};

const THEM: UserId = UserId([2; 16]);

fn id(n: u64) -> ConversationId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.to_be_bytes());
    ConversationId(id)
}

fn row(n: u64, activity: u64) -> ConversationRow {
    ConversationRow {
        joined_seq: 1,
        ..ConversationRow::new(id(n), 1, ConversationState::Active, activity)
    }
}

fn fill(conn: &Connection, n: u64, activity: u64) {
    conversation::put(conn, &row(n, activity)).unwrap();
    for user in [ME, THEM, UserId([3; 16]), UserId([4; 16]), UserId([5; 16])] {
        conversation::add_member(conn, id(n), 1, user, 1).unwrap();
    }
}

/// A message of somebody else.
fn say(conn: &Connection, me: &Account, n: u64, seq: u64, text: &str) {
    let name = MessageId(u128::from(seq).to_be_bytes());
    let content = Content::text(name, &text.into()).unwrap();
    let row = ItemRow {
        place: Place::Log { incarnation: 1, seq },
        kind: ItemKind::Message,
        sender_device: DeviceId([0xd2; 16]),
        sender_user: Some(THEM),
        message: name,
        content: Some(content.to_bytes().unwrap()),
        claimed_ms: None,
        accepted_ms: Some(seq),
        code: None,
        fold: Fold::default(),
    };
    Folding::new(conn, me, id(n)).take(row, Some(&content)).unwrap();
}

async fn client_core(count: u64) -> (Arc<Core>, tempfile::TempDir) {
    let (core, dir) = core().await;
    core.db
        .write(move |tx| {
            (1..=count).for_each(|n| fill(tx.conn, n, n * 10));
            Ok(())
        })
        .await
        .unwrap();
    (core, dir)
}

fn open(core: &Arc<Core>, page: usize) -> ConversationList {
    let source = Arc::new(ListSource {
        page,
        slider: Slider::new(),
    });
    ConversationList {
        core: Arc::clone(core),
        observed: Observed::new(Arc::clone(core), source.clone()),
        source,
    }
}

async fn change(core: &Core, n: u64, change: impl FnOnce(&Connection, &Account) + Send + 'static) {
    let me = core.account().await.unwrap();
    core.db
        .write(move |tx| {
            change(tx.conn, &me);
            Ok(())
        })
        .await
        .unwrap();
    core.changed_in(id(n));
}

async fn now(list: &ConversationList) -> ConversationsState {
    list.next(0).await.unwrap().state
}

fn ids(state: &ConversationsState) -> Vec<u64> {
    let number = |item: &Arc<ConversationItem>| u64::from_be_bytes(item.id.0[..8].try_into().unwrap());
    state.items.iter().map(number).collect()
}

#[tokio::test(start_paused = true)]
async fn it_is_sorted_by_activity_follows_it_and_keeps_what_has_not_changed() {
    let (core, _dir) = client_core(20).await;
    let list = open(&core, 5);
    let first = list.next(0).await.unwrap();
    assert_eq!(ids(&first.state), [20, 19, 18, 17, 16]);
    assert_eq!((&first.state.newer, &first.state.older), (&Edge::End, &Edge::More));
    let row = &first.state.items[0].row;
    assert_eq!((row.members, row.people.len(), &row.last), (5, 3, &None));
    change(&core, 18, |conn, me| {
        say(conn, me, 18, 1, &"é".repeat(300));
        conversation::put(conn, &super::tests::row(18, 1000)).unwrap();
    })
    .await;
    let second = list.next(first.revision).await.unwrap();
    assert_eq!(ids(&second.state), [18, 20, 19, 17, 16]);
    for (before, after) in [(0, 1), (1, 2), (3, 3), (4, 4)] {
        assert!(Arc::ptr_eq(&first.state.items[before], &second.state.items[after]));
    }
    let (before, after) = (&first.state.items[2], &second.state.items[0]);
    assert!(after.revision > before.revision);
    assert_eq!((after.row.unread, after.row.activity_ms), (1, 1000));
    let last = after.row.last.as_ref().unwrap();
    assert_eq!((last.sender, last.own, last.accepted_ms), (THEM, false, Some(1)));
    assert!(matches!(&last.body, Body::Text(text) if text.as_str() == "é".repeat(200)));
    // What only this device knows.
    change(&core, 18, |conn, _| {
        overview::set_muted(conn, id(18), true).unwrap();
        overview::set_draft(conn, id(18), Some((&"begun".into(), 7))).unwrap();
    })
    .await;
    let third = now(&list).await;
    let row = &third.items[0].row;
    assert_eq!((row.muted, row.draft.as_ref().map(Text::as_str)), (true, Some("begun")));
    // One that comes up from below.
    change(&core, 1, |conn, _| {
        conversation::put(conn, &super::tests::row(1, 2000)).unwrap()
    })
    .await;
    assert_eq!(ids(&now(&list).await), [1, 18, 20, 19, 17, 16]);
}

#[tokio::test(start_paused = true)]
async fn it_grows_to_300_and_then_slides() {
    let (core, _dir) = client_core(700).await;
    let list = open(&core, 120);
    let range = |from: u64, to: u64| (from..=to).rev().collect::<Vec<_>>();
    assert_eq!(ids(&now(&list).await), range(581, 700));
    list.load_older().await.unwrap();
    assert_eq!(ids(&now(&list).await), range(461, 700));
    list.load_older().await.unwrap();
    let state = now(&list).await;
    assert_eq!((ids(&state), &state.newer), (range(341, 640), &Edge::More));
    // Elsewhere, what becomes active is not shown, and leaves.
    change(&core, 400, |conn, _| conversation::put(conn, &row(400, 9000)).unwrap()).await;
    let mut without = range(341, 640);
    without.retain(|n| *n != 400);
    assert_eq!(ids(&now(&list).await), without);
    list.jump_to_newest().await.unwrap();
    let state = now(&list).await;
    assert_eq!((ids(&state)[0], ids(&state)[1], state.items.len()), (400, 700, 120));
    for _ in 0..7 {
        list.load_older().await.unwrap();
    }
    let state = now(&list).await;
    assert_eq!((state.items.len(), &state.older), (300, &Edge::End));
    list.load_newer().await.unwrap();
    assert_eq!(now(&list).await.older, Edge::More);
}

#[tokio::test(start_paused = true)]
async fn a_lock_takes_the_rows() {
    let (core, _dir) = client_core(3).await;
    let list = open(&core, 5);
    let shown = list.next(0).await.unwrap();
    let held = Arc::downgrade(&shown.state.items[0]);
    drop(shown);
    assert!(held.upgrade().is_some());
    core.observe.session(|session| session.locked = true);
    assert!(held.upgrade().is_none(), "nothing is left in memory");
    let locked = list.next(0).await.unwrap();
    assert!(locked.locked && locked.state.items.is_empty());
    core.observe.session(|session| session.locked = false);
    assert_eq!(ids(&list.next(locked.revision).await.unwrap().state), [3, 2, 1]);
}

#[tokio::test]
async fn ten_times_the_conversations_and_messages_cost_the_same() {
    let (core, _dir) = client_core(0).await;
    let me = core.account().await.unwrap();
    let mut costs = Vec::new();
    for scale in [1, 10] {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(&schema(&core).await).unwrap();
        conn.execute_batch("BEGIN").unwrap();
        for n in 1..=200 * scale {
            fill(&conn, n, n * 10);
        }
        let newest = 200 * scale;
        for n in newest - 60..=newest {
            for seq in 1..=3 * scale {
                say(&conn, &me, n, seq, "text");
            }
        }
        conn.execute_batch("COMMIT; ANALYZE").unwrap();
        let counted = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&counted);
        let count = move || {
            counter.fetch_add(1, Ordering::Relaxed);
            false
        };
        conn.progress_handler(1, Some(count)).unwrap();
        let view = Window::newest(&Ranks, &conn, 50).unwrap().read(&Ranks, &conn).unwrap();
        for rank in &view.rows {
            let row = summary(&conn, rank.id, &me).unwrap().unwrap();
            assert_eq!(row.unread, 3 * scale);
        }
        conn.progress_handler(0, None::<fn() -> bool>).unwrap();
        assert_eq!(view.rows.len(), 50);
        costs.push(counted.load(Ordering::Relaxed));
    }
    assert!(
        costs[0] > 1000 && costs[1].abs_diff(costs[0]) * 20 <= costs[0],
        "{costs:?}"
    );
}
