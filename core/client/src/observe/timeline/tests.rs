//! A timeline over a store that is filled row by row: no relay, no clock that moves by itself.

mod cost;
mod folded;
mod model;

use std::sync::Arc;

use curo_store::repo::account::Account;
use curo_store::repo::conversation::{self, ConversationRow, ConversationState};
use curo_store::repo::item::{Fold, ItemKind, ItemRow, Place as At};
use curo_types::format::Content;
use curo_types::{ConversationId, DeviceId, MessageId, UserId};
use tempfile::TempDir;

use super::*;
use crate::observe::slider::Load;
use crate::observe::tests::{ME, MINE, core};
use crate::state::ConnectionState;

const CARE: ConversationId = ConversationId([0xc1; 16]);
const THEM: UserId = UserId([2; 16]);
const THEIRS: DeviceId = DeviceId([0xd2; 16]);

fn log(seq: u64) -> At {
    At::Log { incarnation: 1, seq }
}

fn key(n: u64, own: bool) -> ItemKey {
    ItemKey::new(if own { MINE } else { THEIRS }, name(n))
}

fn name(n: u64) -> MessageId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.to_be_bytes());
    MessageId(id)
}

fn row(place: At, n: u64, own: bool) -> ItemRow {
    let content = Content::text(name(n), &format!("text {n}").as_str().into()).unwrap();
    ItemRow {
        place,
        kind: ItemKind::Message,
        sender_device: if own { MINE } else { THEIRS },
        sender_user: Some(if own { ME } else { THEM }),
        message: name(n),
        content: Some(content.to_bytes().unwrap()),
        claimed_ms: None,
        accepted_ms: matches!(place, At::Log { .. }).then_some(n),
        code: None,
        fold: Fold::default(),
    }
}

fn conversation_row() -> ConversationRow {
    ConversationRow {
        joined_seq: 1,
        ..ConversationRow::new(CARE, 1, ConversationState::Active, 1)
    }
}

async fn with_conversation() -> (Arc<Core>, TempDir, Conversation) {
    let (core, dir) = core().await;
    let row = conversation_row();
    core.db
        .write(move |tx| Ok(conversation::put(tx.conn, &row)?))
        .await
        .unwrap();
    let care = Conversation::new(Arc::clone(&core), CARE, None);
    (core, dir, care)
}

async fn add(core: &Core, rows: Vec<ItemRow>) {
    core.db
        .write(move |tx| {
            for row in rows {
                assert!(item::add(tx.conn, CARE, &row)?);
            }
            Ok(())
        })
        .await
        .unwrap();
    core.changed_in(CARE);
}

async fn accept(core: &Core, n: u64, place: At) {
    core.db
        .write(move |tx| Ok(item::accept(tx.conn, CARE, MINE, name(n), place, n)?))
        .await
        .unwrap();
    core.changed_in(CARE);
}

fn options(start: Start, page: usize) -> TimelineOptions {
    TimelineOptions { start, page }
}

async fn now(timeline: &Timeline) -> TimelineState {
    timeline.next(0).await.unwrap().state
}

fn keys(state: &TimelineState) -> Vec<ItemKey> {
    state.items.iter().map(|item| item.key).collect()
}

fn theirs(numbers: impl IntoIterator<Item = u64>) -> Vec<ItemKey> {
    numbers.into_iter().map(|n| key(n, false)).collect()
}

#[tokio::test(start_paused = true)]
async fn it_starts_at_the_newest_follows_them_and_reaches_both_ends() {
    let (core, _dir, care) = with_conversation().await;
    let timeline = care.timeline(options(Start::Newest, 50)).unwrap();
    let empty = now(&timeline).await;
    assert_eq!((empty.items.len(), empty.older, empty.newer), (0, Edge::End, Edge::End));
    add(&core, (1..=500).map(|n| row(log(n), n, false)).collect()).await;
    // What was empty has grown at its live end: to 300.
    let state = now(&timeline).await;
    assert_eq!(keys(&state), theirs(201..=500));
    assert_eq!(
        (&state.older, &state.newer, state.new_below),
        (&Edge::More, &Edge::End, 0)
    );

    let timeline = care.timeline(options(Start::Newest, 50)).unwrap();
    assert_eq!(keys(&now(&timeline).await), theirs(451..=500));
    for loaded in 2..=6 {
        timeline.load_older().await.unwrap();
        assert_eq!(keys(&now(&timeline).await), theirs(501 - 50 * loaded..=500));
    }
    // One more, and the live end leaves the window.
    timeline.load_older().await.unwrap();
    let state = now(&timeline).await;
    assert_eq!(keys(&state), theirs(151..=450));
    assert_eq!(
        (&state.older, &state.newer, state.new_below),
        (&Edge::More, &Edge::More, 0)
    );
    add(&core, vec![row(log(501), 501, false), row(log(502), 502, false)]).await;
    let state = now(&timeline).await;
    assert_eq!(keys(&state), theirs(151..=450));
    assert_eq!((state.newer, state.new_below), (Edge::More, 2), "arrivals only count");
    for _ in 0..9 {
        timeline.load_older().await.unwrap();
    }
    let state = now(&timeline).await;
    assert_eq!(keys(&state), theirs(1..=300));
    assert_eq!((state.older, state.new_below), (Edge::End, 2));
    for _ in 0..9 {
        timeline.load_newer().await.unwrap();
    }
    let state = now(&timeline).await;
    assert_eq!(keys(&state), theirs(203..=502));
    assert_eq!((state.older, state.newer, state.new_below), (Edge::More, Edge::End, 0));
    add(&core, vec![row(log(503), 503, false)]).await;
    assert_eq!(keys(&now(&timeline).await), theirs(204..=503));
}

#[tokio::test(start_paused = true)]
async fn a_jump_shows_the_item_among_others_and_back_is_the_newest_page() {
    let (core, _dir, care) = with_conversation().await;
    add(&core, (1..=500).map(|n| row(log(n), n, false)).collect()).await;
    let timeline = care.timeline(options(Start::At(key(100, false)), 11)).unwrap();
    let state = now(&timeline).await;
    assert_eq!(keys(&state), theirs(95..=105));
    assert_eq!(state.anchor, Some(key(100, false)));
    assert_eq!((state.older, state.newer, state.new_below), (Edge::More, Edge::More, 0));
    add(&core, vec![row(log(501), 501, false)]).await;
    assert_eq!(now(&timeline).await.new_below, 1);
    timeline.jump_to(key(2, false)).await.unwrap();
    let state = now(&timeline).await;
    assert_eq!(keys(&state), theirs(1..=7));
    assert_eq!(
        (state.older, state.new_below),
        (Edge::End, 0),
        "counted from the jump on"
    );
    let unknown = timeline.jump_to(key(9999, false)).await.unwrap_err();
    assert_eq!(*unknown.code(), ErrorCode::UNKNOWN);
    assert_eq!(keys(&now(&timeline).await), theirs(1..=7), "nothing has moved");
    timeline.jump_to_newest().await.unwrap();
    let state = now(&timeline).await;
    assert_eq!(keys(&state), theirs(491..=501));
    assert_eq!((state.newer, state.anchor), (Edge::End, None));
    // Not here: the newest. A jump to the very end is at the live end.
    let elsewhere = care.timeline(options(Start::At(key(9999, true)), 3)).unwrap();
    assert_eq!(keys(&now(&elsewhere).await), theirs(499..=501));
    timeline.jump_to(key(501, false)).await.unwrap();
    let state = now(&timeline).await;
    assert_eq!((keys(&state), state.newer), (theirs(496..=501), Edge::End));
    let single = care.timeline(options(Start::At(key(7, false)), 1)).unwrap();
    assert_eq!(keys(&now(&single).await), theirs([7]));
    for page in [0, 301] {
        let refused = care.timeline(options(Start::Newest, page)).unwrap_err();
        assert_eq!(*refused.code(), ErrorCode::INVALID_ARGUMENT);
    }
}

#[tokio::test(start_paused = true)]
async fn an_own_message_is_one_item_from_queued_on_and_others_stay_the_same_instance() {
    let (core, _dir, care) = with_conversation().await;
    add(&core, vec![row(log(1), 1, false), row(At::Unsent(7), 2, true)]).await;
    let timeline = care.timeline(options(Start::Newest, 50)).unwrap();
    let first = timeline.next(0).await.unwrap();
    assert_eq!(keys(&first.state), [key(1, false), key(2, true)]);
    // Somebody else is faster: what is not sent stays last.
    add(&core, vec![row(log(2), 3, false)]).await;
    let second = timeline.next(first.revision).await.unwrap();
    assert_eq!(keys(&second.state), [key(1, false), key(3, false), key(2, true)]);
    assert!(Arc::ptr_eq(&first.state.items[0], &second.state.items[0]));
    assert!(Arc::ptr_eq(&first.state.items[1], &second.state.items[2]));
    accept(&core, 2, log(3)).await;
    let third = timeline.next(second.revision).await.unwrap();
    assert_eq!(keys(&third.state), keys(&second.state));
    assert!(Arc::ptr_eq(&second.state.items[1], &third.state.items[1]));
    let (queued, sent) = (&second.state.items[2], &third.state.items[2]);
    assert_eq!(queued.key, sent.key);
    assert!(sent.revision > queued.revision);
    assert_eq!(sent.item.accepted_ms, Some(2));
    // A reading that finds nothing new is no news.
    core.changed_in(CARE);
    let waits = tokio::time::timeout(std::time::Duration::from_secs(9), timeline.next(third.revision));
    assert!(waits.await.is_err());
}

#[tokio::test(start_paused = true)]
async fn unsent_messages_that_fill_the_window_are_followed_to_the_log() {
    let (core, _dir, care) = with_conversation().await;
    add(&core, (1..=60).map(|n| row(At::Unsent(n), n, true)).collect()).await;
    let timeline = care.timeline(options(Start::Newest, 50)).unwrap();
    let own = |numbers: std::ops::RangeInclusive<u64>| numbers.map(|n| key(n, true)).collect::<Vec<_>>();
    assert_eq!(keys(&now(&timeline).await), own(11..=60));
    add(&core, vec![row(At::Unsent(61), 61, true)]).await;
    assert_eq!(keys(&now(&timeline).await), own(11..=61));
    for n in 1..=61 {
        accept(&core, n, log(n)).await;
    }
    assert_eq!(keys(&now(&timeline).await), own(11..=61));
    add(&core, vec![row(log(62), 62, false)]).await;
    let state = now(&timeline).await;
    assert_eq!((state.items.len(), &state.older), (52, &Edge::More));
    assert_eq!(state.items[51].key, key(62, false));
}

#[tokio::test(start_paused = true)]
async fn the_newer_edge_says_what_the_relay_still_has() {
    let (core, _dir, care) = with_conversation().await;
    add(&core, vec![row(log(1), 1, false)]).await;
    let timeline = care.timeline(options(Start::Newest, 50)).unwrap();
    assert_eq!(now(&timeline).await.newer, Edge::End, "nobody knows of more");
    let behind = async |behind: bool| {
        core.db
            .write(move |tx| {
                let mut row = conversation::get(tx.conn, CARE)?.unwrap();
                row.behind = behind;
                Ok(conversation::put(tx.conn, &row)?)
            })
            .await
            .unwrap();
        core.changed_in(CARE);
    };
    let offline = ErrorCode::OFFLINE;
    for (connection, while_behind, otherwise) in [
        (ConnectionState::CatchingUp, Edge::Loading, Edge::Loading),
        (ConnectionState::Live, Edge::Loading, Edge::End),
        (
            ConnectionState::Waiting { code: offline.clone() },
            Edge::Failed(Error::new(offline)),
            Edge::End,
        ),
        (ConnectionState::Stopped, Edge::More, Edge::End),
    ] {
        core.set_connection(connection);
        behind(true).await;
        let state = now(&timeline).await;
        assert_eq!((state.items.len(), state.newer), (1, while_behind));
        behind(false).await;
        assert_eq!(now(&timeline).await.newer, otherwise);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_takes_the_items_and_leaves_the_place() {
    let (core, _dir, care) = with_conversation().await;
    add(&core, (1..=50).map(|n| row(log(n), n, false)).collect()).await;
    let timeline = care.timeline(options(Start::At(key(20, false)), 5)).unwrap();
    let shown = timeline.next(0).await.unwrap();
    let held: Vec<_> = shown.state.items.iter().map(Arc::downgrade).collect();
    drop(shown);
    assert!(held.iter().all(|item| item.upgrade().is_some()));
    core.observe.session(|session| session.locked = true);
    assert!(
        held.iter().all(|item| item.upgrade().is_none()),
        "nothing is left in memory"
    );
    let locked = timeline.next(0).await.unwrap();
    assert!(locked.locked && locked.state == TimelineState::empty());
    core.observe.session(|session| session.locked = false);
    let back = timeline.next(locked.revision).await.unwrap();
    assert_eq!(keys(&back.state), theirs(18..=22));
}

#[tokio::test(start_paused = true)]
async fn a_load_that_is_given_up_leaves_no_spinner() {
    let (core, _dir, care) = with_conversation().await;
    add(&core, (1..=50).map(|n| row(log(n), n, false)).collect()).await;
    let timeline = care.timeline(options(Start::Newest, 10)).unwrap();
    now(&timeline).await;
    // Both readers are busy, so the load has begun and cannot end; then it is dropped.
    let mut busy = Vec::new();
    let mut doors = Vec::new();
    for _ in 0..2 {
        let (door, opened) = std::sync::mpsc::channel::<()>();
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let core = Arc::clone(&core);
        busy.push(tokio::spawn(async move {
            let waiting = core.db.read(move |_| {
                begun.send(()).unwrap();
                let _ = opened.recv();
                Ok(())
            });
            waiting.await.unwrap();
        }));
        has_begun.await.unwrap();
        doors.push(door);
    }
    {
        use futures_util::FutureExt as _;
        assert!(timeline.load_older().now_or_never().is_none());
    }
    drop(doors);
    for reader in busy {
        reader.await.unwrap();
    }
    assert_eq!(now(&timeline).await.older, Edge::More);
    timeline.load_older().await.unwrap();
    assert_eq!(keys(&now(&timeline).await), theirs(31..=50));
}
