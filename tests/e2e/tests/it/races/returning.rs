//! Removed, added again, and what was on its way.

use curo::{ConversationState, DeliveryState, IntentStatus, MessageId};
use curo_kit::{TestRelay, until_done, until_text};

use super::{numbered, send_all};
use crate::mitm::{Reply, Victim};
use crate::team::{
    group, people, read, same_everywhere, send, until_active, until_sent, until_settled, until_state, until_texts,
};
use crate::{SOON, logs};

#[tokio::test(flavor = "multi_thread")]
async fn p6_2_whoever_is_removed_while_sending_knows_what_was_sent() {
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "eve"]).await;
    let [ana, ben, eve] = &team[..] else { panic!("three") };
    let id = group(&[ana, ben, eve]).await;
    let sending = async {
        let mut sent = Vec::new();
        for text in numbered("eve", 60) {
            let conversation = eve.client().conversation(id);
            match conversation.send_text(text.as_str().into(), MessageId::random()).await {
                Ok(message) => sent.push((text, message)),
                Err(error) => {
                    assert_eq!(error.code().as_str(), "removed");
                    break;
                }
            }
        }
        sent
    };
    let removing = async {
        until_texts(ana, id, 5).await;
        let intent = ana.client().conversation(id).remove(&[eve.user().await]).await.unwrap();
        until_done(ana.client(), id, intent, SOON).await;
        send(ana, id, "she is gone").await;
    };
    let (sent, ()) = tokio::join!(sending, removing);
    until_state(eve, id, ConversationState::Removed).await;
    until_text(ben.client(), id, "she is gone", SOON).await;
    let (there, at_ben) = (read(ana, id).await, read(ben, id).await);
    assert_eq!(there, at_ben);
    assert!(!read(eve, id).await.contains(&"she is gone".to_owned()));
    for (text, message) in sent {
        let delivery = eve.client().conversation(id).delivery(message).await.unwrap();
        match (there.contains(&text), &delivery) {
            (true, DeliveryState::Sent | DeliveryState::Delivered { .. }) => {}
            (false, DeliveryState::Failed { code, .. }) if code.as_str() == "removed" => {}
            (arrived, _) => panic!("{text}: arrived {arrived}, but {delivery:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_3_counters_go_on_when_somebody_comes_back() {
    let relay = TestRelay::start().await.unwrap();
    let mut team = people(&relay, &["ana", "ben", "eve"]).await;
    let id = group(&[&team[0], &team[1], &team[2]]).await;
    let user = team[2].user().await;
    for round in 0..3 {
        let [ana, ben, eve] = &team[..] else { panic!("three") };
        send_all(eve, id, &format!("eve in round {round}"), 3).await;
        until_sent(eve).await;
        let gone = ana.client().conversation(id).remove(&[user]).await.unwrap();
        until_done(ana.client(), id, gone, SOON).await;
        until_state(eve, id, ConversationState::Removed).await;
        send(ben, id, &format!("without her {round}")).await;
        until_text(ana.client(), id, &format!("without her {round}"), SOON).await;
        let back = ben.client().conversation(id).add(&[user]).await.unwrap();
        until_done(ben.client(), id, back, SOON).await;
        until_active(eve, id).await;
        send_all(eve, id, &format!("eve is back {round}"), 3).await;
        until_sent(eve).await;
        team[2].reopen().await.unwrap();
    }
    let [ana, ben, eve] = &team[..] else { panic!("three") };
    send(eve, id, "that is all").await;
    let all = same_everywhere(&[ana, ben], id, 3 * 7 + 1).await;
    let hers = read(eve, id).await;
    let with_her: Vec<_> = all.into_iter().filter(|text| !text.starts_with("without")).collect();
    assert_eq!(hers, with_her, "she reads all but what was said without her");
}

/// Whoever was offline while being removed and added again had things on their way.
#[tokio::test(flavor = "multi_thread")]
async fn p3_1_p4_unknown_what_was_on_its_way_survives_removal_and_return() {
    logs();
    for answered in ["never reached the relay", "was accepted unseen"] {
        let relay = TestRelay::start().await.unwrap();
        let team = people(&relay, &["ana", "ben", "kai"]).await;
        let [ana, ben, kai] = &team[..] else { panic!("three") };
        let eve = Victim::online(&relay, "eve").await;
        let id = group(&[ana, ben, &eve.person]).await;
        send(&eve.person, id, "before").await;
        for person in [ana, ben] {
            until_text(person.client(), id, "before", SOON).await;
        }
        if answered == "was accepted unseen" {
            eve.mitm.after_relay(|call, reply| {
                if call.is("/messages") || call.is("/sync") || call.is("/stream") || call.is("/entries") {
                    *reply = Reply::lost();
                }
            });
        } else {
            eve.mitm.before_relay(|_| Some(Reply::lost()));
        }
        let on_its_way = send(&eve.person, id, "on its way").await;
        eve.mitm.until_more("/messages", 1).await;
        eve.client().stop().await;
        send(ana, id, "said before her removal").await;
        until_text(ben.client(), id, "said before her removal", SOON).await;
        let user = eve.person.user().await;
        let talk = ana.client().conversation(id);
        until_done(ana.client(), id, talk.remove(&[user]).await.unwrap(), SOON).await;
        send(ana, id, "said without her").await;
        until_done(ana.client(), id, talk.add(&[user]).await.unwrap(), SOON).await;
        send(ana, id, "welcome back").await;

        eve.mitm.honest();
        eve.client().start().await.unwrap();
        until_text(eve.client(), id, "welcome back", SOON).await;
        until_sent(&eve.person).await;
        send(&eve.person, id, "thank you").await;
        for person in [ana, ben] {
            until_text(person.client(), id, "thank you", SOON).await;
        }
        let (hers, theirs) = (read(&eve.person, id).await, read(ana, id).await);
        let delivery = eve.client().conversation(id).delivery(on_its_way).await.unwrap();
        let arrived = theirs.iter().filter(|text| *text == "on its way").count();
        match (arrived, &delivery) {
            (1, DeliveryState::Sent | DeliveryState::Delivered { .. }) => {}
            (0, DeliveryState::Failed { code, .. }) if code.as_str() == "removed" => {}
            _ => panic!("{answered}: {arrived} arrived, but {delivery:?}"),
        }
        assert!(
            hers.contains(&"said before her removal".to_owned()),
            "{answered}: {hers:?}"
        );
        assert!(!hers.contains(&"said without her".to_owned()));
        assert_eq!(read(ben, id).await, theirs);
        // And she can still change things.
        let added = eve.client().conversation(id).add(&[kai.user().await]).await.unwrap();
        until_done(eve.client(), id, added, SOON).await;
    }
}

/// As above, with a commit on its way.
#[tokio::test(flavor = "multi_thread")]
async fn p3_4_p4_unknown_a_commit_on_its_way_survives_removal_and_return() {
    for accepted in [false, true] {
        let relay = TestRelay::start().await.unwrap();
        let team = people(&relay, &["ana", "kai"]).await;
        let [ana, kai] = &team[..] else { panic!("two") };
        let eve = Victim::online(&relay, "eve").await;
        let id = group(&[ana, &eve.person]).await;
        if accepted {
            eve.mitm.after_relay(|call, reply| {
                if !call.is("/claim") && !call.is("/directory") {
                    *reply = Reply::lost();
                }
            });
        } else {
            eve.mitm
                .before_relay(|call| (!call.is("/claim") && !call.is("/directory")).then(Reply::lost));
        }
        let adding = eve.client().conversation(id).add(&[kai.user().await]).await.unwrap();
        eve.mitm.until_more("/commits", 1).await;
        eve.client().stop().await;
        if accepted {
            until_active(kai, id).await;
        }
        let (user, talk) = (eve.person.user().await, ana.client().conversation(id));
        until_done(ana.client(), id, talk.remove(&[user]).await.unwrap(), SOON).await;
        until_done(ana.client(), id, talk.add(&[user]).await.unwrap(), SOON).await;
        send(ana, id, "welcome back").await;
        eve.mitm.honest();
        eve.client().start().await.unwrap();
        until_text(eve.client(), id, "welcome back", SOON).await;
        match until_settled(&eve.person, id, adding).await {
            IntentStatus::Failed { code, .. } if !accepted => assert_eq!(code.as_str(), "removed"),
            IntentStatus::Done => until_active(kai, id).await,
            other => panic!("accepted {accepted}: {other:?}"),
        }
        send(&eve.person, id, "thank you").await;
        until_text(ana.client(), id, "thank you", SOON).await;
    }
}
