//! Lies about the log: entries and tips.

use std::sync::{Arc, Mutex};

use curo::ConversationState;
use curo_kit::{until_done, until_text};
use serde_json::{Value, json};

use super::{Stage, Tamper, entries, list, runs, spoil, tamper};
use crate::mitm::Reply;
use crate::team::{frozen, read, same_everywhere, send, until_active, until_frozen, until_sent, until_state};
use crate::{SOON, api};

#[tokio::test(flavor = "multi_thread")]
async fn p5_3_p2_14_a_rewritten_entry_freezes_its_conversation_and_no_other() {
    let mut stage = Stage::set().await;
    let members = [
        "body",
        "h",
        "sender",
        "intent",
        "time_ms",
        "epoch",
        "kind",
        "directory_version",
        "incarnation",
    ];
    for member in members {
        let id = stage.conversation().await;
        send(&stage.ben, id, "before").await;
        until_text(stage.ana.client(), id, "before", SOON).await;
        stage.ana.mitm.after_relay(move |call, reply| {
            runs(call, reply, id, |run| {
                for entry in entries(run) {
                    match member {
                        "kind" => entry["kind"] = json!("commit"),
                        member => spoil(entry, member),
                    }
                }
            });
        });
        send(&stage.ben, id, "tampered with").await;
        until_frozen(&stage.ana.person, id, "rejoin_needed").await;
        // Nothing is sent into it, and what is there can be read.
        let tried = stage.ana.mitm.exchanges(&format!("{id}/messages")).len();
        send(&stage.ana.person, id, "nobody hears this").await;
        stage.goes_on().await;
        assert_eq!(
            read(&stage.ana.person, id).await,
            ["before", "nobody hears this"],
            "{member}"
        );
        assert_eq!(
            stage.ana.mitm.exchanges(&format!("{id}/messages")).len(),
            tried,
            "{member}"
        );
        stage.ana.mitm.honest();
    }
    // Whoever is added again is back.
    let id = stage.conversation().await;
    stage.ana.mitm.after_relay(move |call, reply| {
        runs(call, reply, id, |run| {
            entries(run).iter_mut().for_each(|entry| spoil(entry, "h"));
        })
    });
    send(&stage.ben, id, "tampered with").await;
    until_frozen(&stage.ana.person, id, "rejoin_needed").await;
    send(&stage.ana.person, id, "written while frozen").await;
    stage.ana.mitm.honest();
    let (talk, user) = (stage.ben.client().conversation(id), [stage.ana.person.user().await]);
    until_done(stage.ben.client(), id, talk.remove(&user).await.unwrap(), SOON).await;
    until_state(&stage.ana.person, id, ConversationState::Removed).await;
    until_done(stage.ben.client(), id, talk.add(&user).await.unwrap(), SOON).await;
    until_active(&stage.ana.person, id).await;
    send(&stage.ana.person, id, "back again").await;
    until_text(stage.ben.client(), id, "back again", SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_1_p2_15_what_is_withheld_or_does_not_verify_comes_when_the_lie_ends() {
    let mut stage = Stage::set().await;
    let (tip, old) = (Arc::new(Mutex::new(Value::Null)), Arc::new(Mutex::new(Vec::new())));
    let (foreign, replayed) = (Arc::clone(&tip), Arc::clone(&old));
    let spoiled_tip = |member: &'static str| tamper(move |run: &mut Value| spoil(&mut run["tip"], member));
    let lies: Vec<(&str, Tamper)> = vec![
        ("the last is withheld", tamper(|run| drop(entries(run).pop()))),
        ("all are withheld", tamper(|run| entries(run).clear())),
        (
            "the first is withheld",
            tamper(|run| *entries(run) = entries(run).iter().skip(1).cloned().collect()),
        ),
        ("the order is reversed", tamper(|run| entries(run).reverse())),
        (
            "old ones instead",
            tamper(move |run| *entries(run) = replayed.lock().unwrap().clone()),
        ),
        ("tip with another signature", spoiled_tip("signature")),
        ("tip with another hash", spoiled_tip("h")),
        ("tip further on", spoiled_tip("seq")),
        ("tip of another store", spoiled_tip("store")),
        ("tip of another time", spoiled_tip("time_ms")),
        (
            "tip of another conversation",
            tamper(move |run| run["tip"] = foreign.lock().unwrap().clone()),
        ),
    ];
    let other = stage.other;
    stage.ana.mitm.after_relay(move |call, reply| {
        runs(call, reply, other, |run| *tip.lock().unwrap() = run["tip"].clone());
    });
    stage.goes_on().await;
    for live in [true, false] {
        for (name, lie) in &lies {
            let id = stage.conversation().await;
            send(&stage.ben, id, "before").await;
            until_text(stage.ana.client(), id, "before", SOON).await;
            let path = format!("/v1/conversations/{id}/entries?incarnation=1&after=0");
            let (_, page) = api::call(&stage.relay, &stage.ana.person, &path, None).await;
            *old.lock().unwrap() = page["entries"].as_array().unwrap().clone();
            let lie = Arc::clone(lie);
            stage
                .ana
                .mitm
                .after_relay(move |call, reply| runs(call, reply, id, &*lie));
            if !live {
                stage.ana.client().stop().await;
            }
            for text in ["one", "two", "three"] {
                send(&stage.ben, id, text).await;
            }
            until_sent(&stage.ben).await;
            stage.ana.client().start().await.unwrap();
            // What comes is a prefix, whatever the lie; the conversation is not given up.
            stage.goes_on().await;
            let (hers, his) = (read(&stage.ana.person, id).await, read(&stage.ben, id).await);
            assert!(his.starts_with(&hers), "{name}: {hers:?}");
            assert_eq!(frozen(&stage.ana.person, id).await, None, "{name}");
            stage.ana.mitm.honest();
            until_text(stage.ana.client(), id, "three", SOON).await;
            send(&stage.ana.person, id, "answer").await;
            same_everywhere(&[&stage.ana.person, &stage.ben], id, 5).await;
        }
    }
}

/// What is shown twice is taken once.
#[tokio::test(flavor = "multi_thread")]
async fn p4_6_p5_3_replayed_entries_are_passed_over() {
    let mut stage = Stage::set().await;
    let id = stage.conversation().await;
    let old = Mutex::new(Vec::<Value>::new());
    stage.ana.mitm.after_relay(move |call, reply| {
        runs(call, reply, id, |run| {
            let mut old = old.lock().unwrap();
            old.extend(entries(run).clone());
            *entries(run) = old.iter().flat_map(|entry| [entry.clone(), entry.clone()]).collect();
        });
    });
    let talk = stage.ben.client().conversation(id);
    for n in 0..5 {
        send(&stage.ben, id, &format!("text {n}")).await;
        until_sent(&stage.ben).await;
        until_done(stage.ben.client(), id, talk.renew_keys().await.unwrap(), SOON).await;
    }
    stage.goes_on().await;
    send(&stage.ana.person, id, "mine").await;
    same_everywhere(&[&stage.ana.person, &stage.ben], id, 6).await;
}

/// An old view of the log cannot be told from silence; nothing breaks, and what was hidden comes when it is shown.
#[tokio::test(flavor = "multi_thread")]
async fn p2_15_an_old_tip_hides_news_and_breaks_nothing() {
    let mut stage = Stage::set().await;
    let id = stage.conversation().await;
    send(&stage.ben, id, "seen").await;
    until_text(stage.ana.client(), id, "seen", SOON).await;
    let path = format!("/v1/conversations/{id}/entries?incarnation=1&after=0");
    let (_, page) = api::call(&stage.relay, &stage.ana.person, &path, None).await;
    let old = page["tip"].clone();
    stage.ana.mitm.after_relay(move |call, reply| {
        runs(call, reply, id, |run| {
            entries(run).clear();
            run["tip"] = old.clone();
        });
    });
    send(&stage.ben, id, "hidden").await;
    until_sent(&stage.ben).await;
    stage.goes_on().await;
    assert_eq!(read(&stage.ana.person, id).await, ["seen"]);
    stage.ana.mitm.honest();
    send(&stage.ben, id, "seen too").await;
    until_text(stage.ana.client(), id, "seen too", SOON).await;
    assert_eq!(read(&stage.ana.person, id).await, ["seen", "hidden", "seen too"]);
}

/// One conversation is not served any more; a gap makes the client ask for it.
#[tokio::test(flavor = "multi_thread")]
async fn p5_4_a_conversation_that_is_refused_stops_alone() {
    let mut stage = Stage::set().await;
    for code in [
        "not_a_member",
        "removed",
        "body_gone",
        "not_found",
        "refused",
        "from_tomorrow",
    ] {
        let id = stage.conversation().await;
        stage.ana.mitm.after_relay(move |call, reply| {
            if call.path.ends_with(&format!("{id}/entries")) {
                *reply = Reply::problem(code);
            }
            runs(call, reply, id, |run| {
                if run["entries"].is_array() && !entries(run).is_empty() {
                    entries(run).remove(0);
                }
            });
        });
        send(&stage.ben, id, "not served").await;
        until_frozen(&stage.ana.person, id, "rejoin_needed").await;
        stage.goes_on().await;
        stage.ana.mitm.honest();
    }
}

/// Numbers at the edges of what JSON can carry.
#[tokio::test(flavor = "multi_thread")]
async fn p10_1_numbers_beyond_every_limit_cause_no_panic() {
    let mut stage = Stage::set().await;
    let paths = ["/v1/sync", "/v1/stream", "/entries"];
    for number in [json!(u64::MAX), json!(i64::MAX), json!(-1), json!(1.5), json!("1")] {
        let id = stage.conversation().await;
        send(&stage.ben, id, "before").await;
        until_text(stage.ana.client(), id, "before", SOON).await;
        for member in ["seq", "epoch", "incarnation", "time_ms", "directory_version"] {
            let number = number.clone();
            stage.ana.mitm.after_relay(move |call, reply| {
                if paths.iter().any(|part| call.is(part)) {
                    runs(call, reply, id, |run| {
                        entries(run).iter_mut().for_each(|entry| entry[member] = number.clone());
                        run["tip"][member] = number.clone();
                    });
                    for cursor in list(reply.value(), "cursors") {
                        cursor["seq"] = number.clone();
                    }
                }
            });
            send(&stage.ben, id, member).await;
            stage.ana.mitm.until_more("/v1/", 1).await;
            stage.ana.mitm.honest();
            stage.goes_on().await;
        }
        let (hers, his) = (read(&stage.ana.person, id).await, read(&stage.ben, id).await);
        // What a gap has swallowed is missing; nothing is made up, doubled or out of order.
        let mut rest = his.iter();
        assert!(
            hers.iter().all(|text| rest.any(|his| his == text)),
            "{number}: {hers:?}, {his:?}"
        );
    }
}
