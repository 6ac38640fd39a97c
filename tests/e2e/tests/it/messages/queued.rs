//! What is said without a network shows at once, happens in its order afterwards, and can be taken back until it is sent.

use curo::{DeliveryState, IntentStatus};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn p4_what_is_said_offline_shows_at_once_and_arrives_in_its_order() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut team = people(&relay, &["ana", "ben"]).await;
    let id = group(&[&team[0], &team[1]]).await;
    let sent = reference(&team[0], send(&team[0], id, "sent").await).await;
    until_texts(&team[1], id, 1).await;
    team[0].cable().cut();
    team[1].cable().cut();
    let ward = team[0].client().conversation(id);
    let edit = ward.edit(sent, "sent and edited".into(), &[]).await.unwrap();
    let queued = reference(&team[0], send(&team[0], id, "queued").await).await;
    ward.edit(queued, "queued and edited".into(), &[]).await.unwrap();
    ward.react(queued, "🙂").await.unwrap().unwrap();
    // In the meantime ben says something about what ana is changing.
    team[1].client().conversation(id).react(sent, "👍").await.unwrap();

    // It outlives the process.
    team[0].reopen().await.unwrap();
    let [ana, ben] = &team[..] else { panic!() };
    let ward = ana.client().conversation(id);
    let seen = see(ana, id, sent).await.unwrap();
    assert_eq!((seen.edited, seen.edited_ms), (true, None));
    let unsent = seen.unsent_change.unwrap();
    assert_eq!((unsent.intent, unsent.state), (edit, DeliveryState::Queued));
    assert_eq!(text_of(ana, id, sent).await.unwrap(), "sent and edited");
    assert_eq!(text_of(ana, id, queued).await.unwrap(), "queued and edited");
    ana.cable().restore();
    ben.cable().restore();
    ana.client().start().await.unwrap();
    for person in [ana, ben] {
        until_sees(person, id, sent, "edited and liked", |message| {
            message.edited_ms.is_some() && message.reactions.len() == 1
        })
        .await;
        until_sees(person, id, queued, "edited and liked", |message| {
            message.edited_ms.is_some() && message.reactions.len() == 1 && message.unsent_change.is_none()
        })
        .await;
        assert_eq!(text_of(person, id, queued).await.unwrap(), "queued and edited");
    }
    assert_eq!(
        alike(see(ana, id, queued).await.unwrap()),
        alike(see(ben, id, queued).await.unwrap())
    );
    same_everywhere(&[ana, ben], id, 2).await;
    assert_eq!(code(ward.cancel(edit).await), ErrorCode::UNKNOWN, "it is done");
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_what_waits_can_be_cancelled_and_what_is_on_its_way_cannot() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let [ana, ben] = &team[..] else { panic!() };
    let id = group(&[ana, ben]).await;
    let ward = ana.client().conversation(id);
    let sent = reference(ana, send(ana, id, "sent").await).await;
    until_texts(ben, id, 1).await;
    until_sent(ana).await;

    // Sent, and no answer yet: nobody knows.
    ana.cable().swallow_answers();
    let on_its_way = send(ana, id, "on its way").await;
    until_texts(ben, id, 2).await;
    assert!(!ward.cancel(on_its_way.into()).await.unwrap());
    ana.cable().cut();

    let first = send(ana, id, "cancelled").await;
    let kept = send(ana, id, "kept").await;
    let edit = ward.edit(sent, "never".into(), &[]).await.unwrap();
    let reaction = ward.react(sent, "👍").await.unwrap().unwrap();
    let delete = ward.delete(sent).await.unwrap();
    assert_eq!(see(ana, id, sent).await.unwrap().body, Body::Deleted);
    let add = ward.add(&[curo::UserId::random()]).await.unwrap();
    for intent in [first.into(), delete, edit, reaction, add] {
        assert!(ward.cancel(intent).await.unwrap());
        assert_eq!(code(ward.cancel(intent).await), ErrorCode::UNKNOWN, "once");
        assert_eq!(code(ward.retry(intent).await), ErrorCode::UNKNOWN);
        let cancelled = IntentStatus::Failed {
            code: ErrorCode::CANCELLED,
            retryable: false,
        };
        assert_eq!(ward.intent(intent).await.unwrap(), cancelled);
    }
    let cancelled = DeliveryState::Failed {
        code: ErrorCode::CANCELLED,
        retryable: false,
    };
    assert_eq!(ward.delivery(first).await.unwrap(), cancelled);
    assert_eq!(
        code(ward.send_text("again".into(), first).await),
        ErrorCode::CANCELLED,
        "an id is used once"
    );
    let seen = see(ana, id, sent).await.unwrap();
    assert_eq!(
        (seen.reactions.len(), seen.unsent_change, seen.edited),
        (0, None, false)
    );
    // Deleting what was never sent is cancelling it.
    let hasty = reference(ana, send(ana, id, "hasty").await).await;
    let waiting = ana.client().outbox().await.unwrap().waiting;
    ward.edit(hasty, "hastily edited".into(), &[]).await.unwrap();
    ward.react(hasty, "🙂").await.unwrap().unwrap();
    assert_eq!(ana.client().outbox().await.unwrap().waiting, waiting + 2);
    assert_eq!(ward.delete(hasty).await.unwrap(), hasty.message.into());
    assert!(see(ana, id, hasty).await.is_none());
    // With all that was said about it.
    assert_eq!(ana.client().outbox().await.unwrap().waiting, waiting - 1);
    assert_eq!(ana.client().outbox().await.unwrap().failed, 0);

    ana.cable().restore();
    assert_eq!(
        same_everywhere(&[ana, ben], id, 3).await,
        ["sent", "on its way", "kept"]
    );
    assert_eq!(code(ward.cancel(kept.into()).await), ErrorCode::UNKNOWN);
    let (new, creation) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
    let refused = new.cancel(creation).await;
    assert!(matches!(
        refused.unwrap_err().code().as_str(),
        "invalid_argument" | "unknown"
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_what_failed_can_be_cancelled() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::online(&relay, "ana").await.unwrap();
    let (nobody, _) = ana
        .client()
        .create_conversation(&[curo::UserId::random()])
        .await
        .unwrap();
    let failed = send(&ana, nobody.id(), "to nobody").await;
    until_holds(&ana, "failed".into(), async || {
        matches!(nobody.delivery(failed).await, Ok(DeliveryState::Failed { .. }))
    })
    .await;
    assert!(nobody.cancel(failed.into()).await.unwrap());
    assert!(see(&ana, nobody.id(), reference(&ana, failed).await).await.is_none());
}
