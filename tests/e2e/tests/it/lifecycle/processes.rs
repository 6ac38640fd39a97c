//! Two processes on one store, as an app and its notification extension: one at a time, and neither builds on what the
//! other has changed.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::child::Child;
use crate::team::{group, until_sent};

/// The person's client in a process of its own.
fn other_process(relay: &TestRelay, person: &Person) -> Child {
    let root = person.dir().join("root.der");
    fs::write(&root, relay.ca().root_der()).unwrap();
    let token = relay
        .issuer()
        .mint(relay.tenant(), person.subject(), Duration::from_secs(3600));
    Child::start(&json!({ "client": { "dir": person.dir(), "relay": relay.url(), "root": root, "token": token } }))
}

fn ask(child: &mut Child, request: Value) -> Value {
    let mut answer = child.call(&request).unwrap();
    assert!(answer["error"].is_null(), "{request}: {answer}");
    answer["ok"].take()
}

fn error(child: &mut Child, request: Value) -> String {
    let answer = child.call(&request).unwrap();
    answer["error"]
        .as_str()
        .unwrap_or_else(|| panic!("{request}: {answer}"))
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_told_busy_and_takes_over_after_suspend() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (ana, ben) = (ana.unwrap(), ben.unwrap());
    let id = group(&[&ana, &ben]).await;
    send(&ana, id, "one").await;
    until_sent(&ana).await;

    // It does not come up beside this one, and this one is not disturbed.
    let mut early = other_process(&relay, &ana);
    assert!(early.call(&json!({ "do": "suspend" })).is_err(), "it ended, busy");
    send(&ana, id, "two").await;
    until_sent(&ana).await;

    ana.client().suspend().await.unwrap();
    assert_eq!(code(ana.client().conversations().await), ErrorCode::LOCKED);
    let mut other = other_process(&relay, &ana);
    ask(&mut other, json!({ "do": "begin" }));
    let send_there = |other: &mut Child, text: &str| {
        let message = MessageId::random();
        ask(
            other,
            json!({ "do": "send", "conversation": id, "message": message, "text": text }),
        );
    };
    // Another epoch, and messages in it: all that this process had loaded is old.
    send_there(&mut other, "three");
    let renewed = ask(&mut other, json!({ "do": "renew", "conversation": id }));
    ask(
        &mut other,
        json!({ "do": "done", "conversation": id, "intent": renewed }),
    );
    send_there(&mut other, "four");
    ask(&mut other, json!({ "do": "settled" }));
    assert_eq!(code(ana.client().resume().await), ErrorCode::BUSY);
    assert_eq!(code(ana.client().conversations().await), ErrorCode::LOCKED);

    for round in 0..3 {
        ask(&mut other, json!({ "do": "suspend" }));
        ana.client().resume().await.unwrap();
        assert_eq!(error(&mut other, json!({ "do": "resume" })), "busy");
        ana.client().start().await.unwrap();
        send(&ana, id, &format!("here {round}")).await;
        let conversation = ana.client().conversation(id);
        let renewed = conversation.renew_keys().await.unwrap();
        until_done(ana.client(), id, renewed, SOON).await;
        until_sent(&ana).await;
        ana.client().suspend().await.unwrap();
        ask(&mut other, json!({ "do": "resume" }));
        send_there(&mut other, &format!("there {round}"));
        ask(&mut other, json!({ "do": "catch_up" }));
        ask(&mut other, json!({ "do": "settled" }));
    }
    ask(&mut other, json!({ "do": "suspend" }));
    ana.client().resume().await.unwrap();
    ana.client().resume().await.unwrap();
    ana.client().catch_up().await.unwrap();
    until_text(ben.client(), id, "there 2", SOON).await;
    let expected = [
        "one", "two", "three", "four", "here 0", "there 0", "here 1", "there 1", "here 2", "there 2",
    ];
    assert_eq!(texts(&ben.client().conversation(id)).await.unwrap(), expected);
    assert_eq!(texts(&ana.client().conversation(id)).await.unwrap(), expected);
    drop(other);
    ana.close().await.unwrap();
    ben.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_client_does_not_resume_and_a_suspended_one_holds_no_file() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ward) = with_a_message(&relay, "ana").await;
    let profile = ana.profiles().join(ana.client().profile().to_string());
    ana.client().suspend().await.unwrap();
    let wal = fs::metadata(profile.join("store.db-wal")).map_or(0, |wal| wal.len());
    assert_eq!(wal, 0, "the log is folded into the file");
    #[cfg(target_os = "linux")]
    for link in fs::read_dir("/proc/self/fd").unwrap().flatten() {
        let held = fs::read_link(link.path()).unwrap_or_default();
        assert!(!held.starts_with(&profile), "{} is open", held.display());
    }
    ana.client().resume().await.unwrap();
    assert_eq!(texts(&ana.client().conversation(ward)).await.unwrap(), ["kept"]);
    ana.client().lock().await.unwrap();
    assert_eq!(code(ana.client().resume().await), ErrorCode::LOCKED);
    // Suspending what is locked unlocks nothing later.
    ana.client().suspend().await.unwrap();
    assert_eq!(code(ana.client().resume().await), ErrorCode::LOCKED);
    ana.client().unlock().await.unwrap();
    assert_eq!(texts(&ana.client().conversation(ward)).await.unwrap(), ["kept"]);
    // Suspended, then locked: it is locked.
    ana.client().suspend().await.unwrap();
    ana.client().lock().await.unwrap();
    assert_eq!(code(ana.client().resume().await), ErrorCode::LOCKED);
    ana.close().await.unwrap();
    assert_eq!(code(ana.client().resume().await), ErrorCode::CLOSED);
}
