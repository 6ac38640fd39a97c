//! What a tenant may have at most: conversations, devices, stored bytes.

use curo::{ErrorCode, IntentStatus, UserId};
use curo_kit::{Person, TestRelay};

use crate::logs;
use crate::team::{group, people, same_everywhere, send, until_holds, until_settled};

#[tokio::test(flavor = "multi_thread")]
async fn quotas_refuse_one_more_and_people_learn_why() {
    logs();
    let mut relay = TestRelay::builder()
        .tenant(|tenant| {
            tenant.quota.conversations = Some(1);
            tenant.quota.devices = Some(2);
        })
        .start()
        .await
        .unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let [ana, ben] = &team[..] else { unreachable!() };
    let refused = Person::new(&relay, "cho").await.unwrap().client().sign_in().await;
    assert_eq!(*refused.unwrap_err().code(), ErrorCode::QUOTA_EXCEEDED);

    let care = group(&[ana, ben]).await;
    let ben_user: UserId = ben.user().await;
    let (more, created) = ana.client().create_conversation(&[ben_user]).await.unwrap();
    let ended = until_settled(ana, more.id(), created).await;
    assert!(
        matches!(&ended, IntentStatus::Failed { code, .. } if *code == ErrorCode::QUOTA_EXCEEDED),
        "{ended:?}"
    );

    // No room for messages: they fail, those that are there stay, and what failed is sent once there is room.
    relay
        .change_tenant(|tenant| tenant.quota.stored_bytes = Some(1))
        .await
        .unwrap();
    ana.client().network_changed();
    let unsent = send(ana, care, "later").await;
    let conversation = ana.client().conversation(care);
    until_holds(ana, "refused".into(), async || {
        conversation.delivery(unsent).await.unwrap().to_string() == "failed (quota_exceeded)"
    })
    .await;
    relay
        .change_tenant(|tenant| tenant.quota.stored_bytes = None)
        .await
        .unwrap();
    for person in [ana, ben] {
        person.client().network_changed();
    }
    conversation.retry(unsent.into()).await.unwrap();
    same_everywhere(&[ana, ben], care, 1).await;
}
