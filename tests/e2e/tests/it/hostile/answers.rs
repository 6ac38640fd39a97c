//! Lies about what this device has sent.

use curo::IntentStatus;
use curo_kit::{Person, until_done, until_text};
use serde_json::{Value, json};

use super::{Stage, Tamper, spoil, tamper};
use crate::mitm::Reply;
use crate::team::{frozen, same_everywhere, send, until_holds};
use crate::{SOON, api};

/// What the relay says about own messages does not hold. They arrive once.
#[tokio::test(flavor = "multi_thread")]
async fn p4_5_wrong_words_about_own_messages_lose_and_double_nothing() {
    let mut stage = Stage::set().await;
    let first = |member: &'static str| tamper(move |answer: &mut Value| spoil(&mut answer["accepted"][0], member));
    let tip = |member: &'static str| tamper(move |answer: &mut Value| spoil(&mut answer["tip"], member));
    let lies: Vec<(&str, Tamper)> = vec![
        ("seq", first("seq")),
        ("h", first("h")),
        ("time", first("time_ms")),
        ("intent", first("intent")),
        ("tip's signature", tip("signature")),
        ("tip's place", tip("seq")),
        ("nothing", tamper(|answer| answer["accepted"] = json!([]))),
        (
            "one too many",
            tamper(|answer| {
                let one = answer["accepted"][0].clone();
                answer["accepted"].as_array_mut().unwrap().push(one);
            }),
        ),
        (
            "far away",
            tamper(|answer| answer["accepted"][0]["seq"] = json!(u64::MAX)),
        ),
        ("before", tamper(|answer| answer["accepted"][0]["seq"] = json!(1))),
        ("no tip", tamper(|answer| answer["tip"] = Value::Null)),
    ];
    for (name, lie) in lies {
        let id = stage.conversation().await;
        stage.ana.mitm.after_relay(move |call, reply| {
            if call.path.ends_with(&format!("{id}/messages")) && reply.status == 200 {
                lie(reply.value());
            }
        });
        let sent = send(&stage.ana.person, id, name).await;
        until_text(stage.ben.client(), id, name, SOON).await;
        stage.ana.mitm.until_more(&format!("{id}/messages"), 0).await;
        stage.goes_on().await;
        stage.ana.mitm.honest();
        send(&stage.ana.person, id, "after it").await;
        let all = same_everywhere(&[&stage.ana.person, &stage.ben], id, 2).await;
        assert_eq!(all, [name, "after it"]);
        let log = api::log(&stage.relay, &stage.ben, id).await;
        assert_eq!(
            log.iter().filter(|entry| entry.intent == sent.into()).count(),
            1,
            "{name}"
        );
        assert_eq!(frozen(&stage.ana.person, id).await, None, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_3_wrong_words_about_own_commits_do_not_merge_them() {
    let mut stage = Stage::set().await;
    for member in ["seq", "h", "time_ms", "directory_version", "intent"] {
        let id = stage.conversation().await;
        stage.ana.mitm.after_relay(move |call, reply| {
            if call.path.ends_with(&format!("{id}/commits")) && reply.status == 200 {
                spoil(reply.value(), member);
            }
        });
        let renewed = stage.ana.client().conversation(id).renew_keys().await.unwrap();
        if member == "intent" {
            stage.ana.mitm.until_more(&format!("{id}/commits"), 1).await;
            stage.ana.mitm.honest();
        }
        until_done(stage.ana.client(), id, renewed, SOON).await;
        stage.ana.mitm.honest();
        send(&stage.ana.person, id, "after it").await;
        send(&stage.ben, id, "after it too").await;
        same_everywhere(&[&stage.ana.person, &stage.ben], id, 2).await;
        assert_eq!(
            api::commits(&api::log(&stage.relay, &stage.ben, id).await),
            2,
            "{member}"
        );
        stage.goes_on().await;
    }
}

/// Refusals that contradict the log are not believed for ever, and never obeyed.
#[tokio::test(flavor = "multi_thread")]
async fn p12_refusals_that_are_made_up_delay_and_lose_nothing() {
    let mut stage = Stage::set().await;
    let kai = Person::online(&stage.relay, "kai").await.unwrap();
    let user = kai.user().await;
    let refusals = [
        "removed",
        "stale_epoch",
        "epoch_taken",
        "internal",
        "timeout",
        "unavailable",
        "directory_changed",
    ];
    for code in refusals {
        let id = stage.conversation().await;
        let talk = stage.ana.client().conversation(id);
        stage.ana.mitm.before_relay(move |call| {
            let sends = call.path.ends_with("/messages") || call.path.ends_with("/commits");
            (sends && call.is(&id.to_string())).then(|| Reply::problem(code))
        });
        send(&stage.ana.person, id, "first").await;
        stage.ana.mitm.until_more(&format!("{id}/messages"), 2).await;
        stage.goes_on().await;
        stage.ana.mitm.honest();
        until_text(stage.ben.client(), id, "first", SOON).await;
        stage
            .ana
            .mitm
            .before_relay(move |call| call.path.ends_with("/commits").then(|| Reply::problem(code)));
        let added = talk.add(&[user]).await.unwrap();
        stage.ana.mitm.until_more(&format!("{id}/commits"), 2).await;
        stage.goes_on().await;
        assert_eq!(talk.intent(added).await.unwrap(), IntentStatus::Pending, "{code}");
        stage.ana.mitm.honest();
        until_done(stage.ana.client(), id, added, SOON).await;
        send(&stage.ana.person, id, "second").await;
        until_text(kai.client(), id, "second", SOON).await;
        assert_eq!(
            same_everywhere(&[&stage.ana.person, &stage.ben], id, 2).await,
            ["first", "second"],
            "{code}"
        );
    }
}

/// A refusal of a kind that only a later version knows fails what was asked for, visibly; it can be tried again.
#[tokio::test(flavor = "multi_thread")]
async fn p12_an_unknown_refusal_fails_the_message_and_not_the_account() {
    let mut stage = Stage::set().await;
    for code in ["from_tomorrow", "forbidden", "refused", "too_large", "malformed"] {
        let id = stage.conversation().await;
        let talk = stage.ana.client().conversation(id);
        stage.ana.mitm.before_relay(move |call| {
            call.path
                .ends_with(&format!("{id}/messages"))
                .then(|| Reply::problem(code))
        });
        let message = send(&stage.ana.person, id, code).await;
        until_holds(&stage.ana.person, format!("failed {code}"), async || {
            matches!(talk.delivery(message).await.unwrap(),
                curo::DeliveryState::Failed { code: why, retryable: false } if why.as_str() == code)
        })
        .await;
        stage.goes_on().await;
        stage.ana.mitm.honest();
        talk.retry(message.into()).await.unwrap();
        until_text(stage.ben.client(), id, code, SOON).await;
        same_everywhere(&[&stage.ana.person, &stage.ben], id, 1).await;
        assert_eq!(stage.ana.client().outbox().await.unwrap().failed, 0);
    }
}
