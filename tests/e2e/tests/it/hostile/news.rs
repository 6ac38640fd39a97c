//! Lies about the relay as a whole: another store, news without end, sign-in.

use std::sync::{Arc, Mutex};

use curo::ConnectionState;
use curo_kit::{Person, TestRelay, until_connection, until_live, until_text};
use serde_json::{Value, json};

use super::{Stage, spoil};
use crate::mitm::{Reply, Victim};
use crate::team::{read, send};
use crate::{SOON, api};

/// An own tip that contradicts the cursor is a fork: a tip of the same place with another hash, truly signed.
#[tokio::test(flavor = "multi_thread")]
async fn p7_2_a_relay_that_was_rolled_back_is_noticed() {
    let mut stage = Stage::set().await;
    let id = stage.conversation().await;
    send(&stage.ben, id, "before").await;
    until_text(stage.ana.client(), id, "before", SOON).await;
    // Another store: the whole client stops, and what is there stays readable.
    stage.ana.mitm.after_relay(|call, reply| {
        if call.is("/v1/sync") || call.is("/v1/stream") {
            spoil(reply.value(), "store");
        }
    });
    stage.ana.client().stop().await;
    stage.ana.client().start().await.unwrap();
    until_connection(
        stage.ana.client(),
        "stopped",
        SOON,
        |state| matches!(state, ConnectionState::Failed { code } if code.as_str() == "store_changed"),
    )
    .await;
    let error = stage.ana.client().catch_up().await.unwrap_err();
    assert_eq!((error.code().as_str(), error.retryable()), ("store_changed", false));
    assert_eq!(read(&stage.ana.person, id).await, ["before"]);
    send(&stage.ana.person, id, "queued").await;
    assert_eq!(stage.ana.client().outbox().await.unwrap().waiting, 1);
    stage.ana.mitm.honest();
    stage.ana.client().sign_in().await.unwrap();
    until_text(stage.ben.client(), id, "queued", SOON).await;
    stage.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_1_news_without_end_are_given_up_and_asked_for_again() {
    let mut stage = Stage::set().await;
    for case in ["more", "more and replayed", "streams that end at once"] {
        let id = stage.conversation().await;
        let seen = Mutex::new(json!([]));
        stage.ana.mitm.after_relay(move |call, reply| {
            if call.is("/v1/sync") && case != "streams that end at once" {
                let answer = reply.value();
                answer["more"] = json!(true);
                if case == "more and replayed" {
                    if answer["conversations"].is_array() {
                        *seen.lock().unwrap() = answer["conversations"].clone();
                    }
                    answer["conversations"] = seen.lock().unwrap().clone();
                }
            }
            if call.is("/v1/stream") {
                *reply = Reply::json(200, json!({"event": "end", "code": "unavailable"}));
            }
        });
        stage.ana.client().stop().await;
        stage.ana.client().start().await.unwrap();
        send(&stage.ben, id, "between the lies").await;
        until_text(stage.ana.client(), id, "between the lies", SOON).await;
        let code = if case == "streams that end at once" {
            "unavailable"
        } else {
            "bad_relay"
        };
        until_connection(
            stage.ana.client(),
            "given up",
            SOON,
            |state| matches!(state, ConnectionState::Waiting { code: why } if why.as_str() == code),
        )
        .await;
        stage.ana.mitm.honest();
        until_live(stage.ana.client(), SOON).await;
        stage.goes_on().await;
    }
}

/// Sign-in trusts nothing that does not verify, and what was pinned stays pinned.
#[tokio::test(flavor = "multi_thread")]
async fn p12_p2_15_sign_in_believes_no_lies() {
    let relay = TestRelay::start().await.unwrap();
    type Lie = (&'static str, fn(&mut Value));
    let lies: [Lie; 6] = [
        ("bad_relay", |answer| spoil(&mut answer["log_key"], "signature")),
        ("bad_relay", |answer| spoil(&mut answer["log_key"], "log_key")),
        ("bad_relay", |answer| spoil(answer, "directory_key")),
        ("bad_relay", |answer| spoil(answer, "tenant")),
        ("unsupported_version", |answer| answer["suites"] = json!([0xf000])),
        ("bad_relay", |answer| answer["user"] = json!("me")),
    ];
    let ana = Victim::new(&relay, "ana").await;
    for (code, lie) in lies {
        ana.mitm.after_relay(move |call, reply| {
            if call.is("/v1/session") {
                lie(reply.value());
            }
        });
        let error = ana.client().sign_in().await.unwrap_err();
        assert_eq!((error.code().as_str(), error.retryable()), (code, false));
        assert_eq!(ana.client().account().await, None);
        assert_eq!(
            ana.client().start().await.unwrap_err().code().as_str(),
            "sign_in_needed"
        );
    }
    // The envelope comes back as another one, without the directory's signature, or not at all.
    let mallory = Person::online(&relay, "mallory").await.unwrap();
    let query = json!({"users": [mallory.user().await]});
    let (_, hers) = api::call(&relay, &mallory, "/v1/directory", Some(&query)).await;
    let hers = hers["records"][0]["envelope"].clone();
    for case in ["another one", "unsigned", "nothing"] {
        let (hers, sent) = (hers.clone(), Arc::new(Mutex::new(Value::Null)));
        let keep = Arc::clone(&sent);
        ana.mitm.before_relay(move |call| {
            if call.is("/v1/devices") {
                *keep.lock().unwrap() = call.body["envelope"].clone();
            }
            None
        });
        ana.mitm.after_relay(move |call, reply| {
            if call.is("/v1/devices") {
                reply.value()["envelope"] = match case {
                    "another one" => hers.clone(),
                    "unsigned" => sent.lock().unwrap().clone(),
                    _ => json!(""),
                };
            }
        });
        let error = ana.client().sign_in().await.unwrap_err();
        assert_eq!(error.code().as_str(), "bad_relay", "{case}");
        assert_eq!(ana.client().account().await, None, "{case}");
    }
    ana.mitm.honest();
    let account = ana.client().sign_in().await.unwrap();
    ana.client().start().await.unwrap();
    until_live(ana.client(), SOON).await;
    let pinned: [Lie; 3] = [
        ("bad_relay", |answer| spoil(answer, "directory_key")),
        ("wrong_account", |answer| spoil(answer, "user")),
        ("bad_relay", |answer| spoil(&mut answer["log_key"], "signature")),
    ];
    for (code, lie) in pinned {
        ana.mitm.after_relay(move |call, reply| {
            if call.is("/v1/session") {
                lie(reply.value());
            }
        });
        assert_eq!(ana.client().sign_in().await.unwrap_err().code().as_str(), code);
        assert_eq!(ana.client().account().await, Some(account.clone()));
    }
}
