//! `POST /v1/sync` (5.1, 5.7).

use curo_types::api::{CursorReport, SyncAnswer, SyncRequest};
use curo_types::{ErrorCode, IntentId, StoreId};

use crate::device::pair;
use crate::world::World;

#[tokio::test]
async fn p5_1_a_token_brings_only_what_is_new() {
    let world = World::start().await;
    let (mut anna, ben, talk, _) = pair(&world).await;
    let before = ben.sync(&world, None, 1).await.unwrap();
    assert!(before.conversations.is_empty() && before.inbox.is_empty(), "{before:?}");
    assert_eq!(before.store, ben.session.store);
    let one = anna.encrypt(talk, IntentId::random(), 1, "one");
    anna.send(&world, talk, vec![one]).await.unwrap();
    let first = ben.sync(&world, Some(&before.token), 1).await.unwrap();
    assert_eq!(first.conversations[0].entries.len(), 1);
    assert_eq!(ben.sync(&world, Some(&before.token), 1).await.unwrap().conversations, {
        let mut same = first.conversations.clone();
        // Only the time of signing may differ, and the clock stands still.
        same[0].tip = first.conversations[0].tip.clone();
        same
    });
    let second = ben.sync(&world, Some(&first.token), 1).await.unwrap();
    assert!(second.conversations.is_empty() && !second.more);
}

#[tokio::test]
async fn p5_7_the_inbox_keeps_what_is_not_acknowledged() {
    let world = World::start().await;
    let (_, ben, ..) = pair(&world).await;
    let first = ben.sync(&world, None, 0).await.unwrap();
    let again = ben.sync(&world, Some(&first.token), 0).await.unwrap();
    assert_eq!(first.inbox, again.inbox, "the inbox has its own cursor");
    assert_eq!(first.inbox.len(), 1);
    let index = first.inbox[0].index;
    assert!(
        ben.sync(&world, Some(&first.token), index)
            .await
            .unwrap()
            .inbox
            .is_empty()
    );
    assert!(
        ben.sync(&world, None, 0).await.unwrap().inbox.is_empty(),
        "forgotten once acknowledged"
    );
}

#[tokio::test]
async fn p8_2_reported_cursors_reach_the_others_and_never_go_back() {
    let world = World::start().await;
    let (anna, ben, talk, cursor) = pair(&world).await;
    let start = anna.sync(&world, None, 0).await.unwrap();
    let report = async |seq| -> SyncAnswer {
        let cursors = vec![CursorReport {
            conversation: talk.id,
            incarnation: 1,
            seq,
        }];
        let request = SyncRequest {
            token: None,
            inbox_ack: 1,
            cursors,
        };
        ben.post(&world, "/v1/sync", &request).await.unwrap()
    };
    report(cursor.seq).await;
    let seen = anna.sync(&world, Some(&start.token), 0).await.unwrap();
    let [moved] = seen.cursors.as_slice() else {
        panic!("{seen:?}")
    };
    assert_eq!((moved.device, moved.user, moved.seq), (ben.id, ben.user(), cursor.seq));
    report(0).await;
    report(999).await;
    let after = anna.sync(&world, Some(&seen.token), 0).await.unwrap();
    assert!(
        after.cursors.iter().all(|c| c.seq == cursor.seq),
        "neither back nor beyond the log: {after:?}"
    );
}

#[tokio::test]
async fn p7_2_another_stores_token_is_told_apart_from_garbage() {
    let world = World::start().await;
    let (_, ben, ..) = pair(&world).await;
    let token = ben.sync(&world, None, 1).await.unwrap().token;
    let foreign = token.replace(&ben.session.store.to_string(), &StoreId::random().to_string());
    assert_ne!(token, foreign);
    assert_eq!(
        ben.sync(&world, Some(&foreign), 1).await.unwrap_err().code,
        ErrorCode::STORE_CHANGED
    );
    assert_eq!(
        ben.sync(&world, Some("garbage"), 1).await.unwrap_err().code,
        ErrorCode::MALFORMED
    );
    assert_eq!(
        ben.sync(&world, None, 1000).await.unwrap_err().code,
        ErrorCode::STORE_CHANGED,
        "an item never issued"
    );
}
