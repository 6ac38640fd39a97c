//! What a device does with what it has of a conversation from which others have removed it (rule 6.2).

use curo::{ConversationId, ConversationState, CreateOptions, PAGE_LIMIT};
use curo_kit::{Person, TestRelay, until_text};

use crate::team::{group, people, read, same_everywhere, send, until_active, until_holds, until_state};
use crate::{SOON, logs};

async fn found(person: &Person, word: &str) -> usize {
    person.client().search(word, None, 10).await.unwrap().hits.len()
}

async fn items(person: &Person, id: ConversationId) -> usize {
    person
        .client()
        .conversation(id)
        .latest(PAGE_LIMIT)
        .await
        .unwrap()
        .items
        .len()
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_2_what_a_removed_device_has_is_purged_where_the_tenant_asks_for_it() {
    logs();
    let relay = TestRelay::builder().tenant(|tenant| tenant.policy.purge_removed = true);
    let relay = relay.start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let [ana, ben] = &team[..] else { unreachable!() };
    let user = ben.user().await;
    let titled = CreateOptions {
        title: "Ward 4".into(),
        subjects: Vec::new(),
    };
    let (care, _) = ana.client().create_conversation_with(&[user], titled).await.unwrap();
    let (id, other) = (care.id(), group(&[ben, ana]).await);
    until_active(ben, id).await;
    send(ana, id, "potassium").await;
    send(ben, other, "potassium").await;
    until_text(ben.client(), id, "potassium", SOON).await;
    let theirs = ben.client().conversation(id);
    until_holds(ben, "title".into(), async || {
        theirs.info().await.unwrap().title.is_some()
    })
    .await;
    theirs.set_draft("to be continued".into()).await.unwrap();
    // An own message is found once it has its place in the log.
    until_holds(ben, "both found".into(), async || found(ben, "potass").await == 2).await;
    // Also what waits to be sent, of a device that learns of it later.
    ben.cable().cut();
    send(ben, id, "unsent").await;
    care.remove(&[user]).await.unwrap();
    until_holds(ana, "alone".into(), async || {
        care.info().await.unwrap().members.len() == 1
    })
    .await;
    assert!(!theirs.info().await.unwrap().purged);
    ben.cable().restore();
    ben.client().network_changed();

    until_state(ben, id, ConversationState::Removed).await;
    let info = theirs.info().await.unwrap();
    assert!(info.purged && info.title.is_none(), "{info:?}");
    assert_eq!(items(ben, id).await, 0);
    assert_eq!(theirs.draft().await.unwrap(), None);
    assert_eq!(found(ben, "potass").await, 1, "of the other conversation");
    assert_eq!(ben.client().outbox().await.unwrap().failed, 0);
    // Nobody else loses anything, nor does the other conversation.
    assert_eq!(read(ana, id).await, ["potassium"]);
    assert_eq!(read(ben, other).await, ["potassium"]);
    assert!(!care.info().await.unwrap().purged);

    // Added again, it begins anew.
    care.add(&[user]).await.unwrap();
    until_active(ben, id).await;
    assert!(!theirs.info().await.unwrap().purged);
    send(ana, id, "again").await;
    until_text(ben.client(), id, "again", SOON).await;
    assert_eq!(read(ben, id).await, ["again"]);

    // Who leaves keeps what they have.
    theirs.leave().await.unwrap();
    until_state(ben, id, ConversationState::Removed).await;
    send(ana, id, "alone").await;
    same_everywhere(&[ana], id, 3).await;
    assert_eq!(read(ben, id).await, ["again"]);
}
