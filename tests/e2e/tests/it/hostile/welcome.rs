//! Lies about invitations.

use std::sync::{Arc, Mutex};

use curo::{Entry, PAGE_LIMIT};
use curo_kit::{Person, TestRelay, until_done, until_text};
use serde_json::{Value, json};

use super::{Stage, list, spoil};
use crate::mitm::{Call, Reply, Victim};
use crate::team::{group, read, same_everywhere, send, until_active, until_frozen};
use crate::{SOON, logs};

/// Welcomes with something wrong are not joined by. Where the group itself is sound, as the relay has it, the device comes in by
/// external commit; where a key was never published it stays out.
#[tokio::test(flavor = "multi_thread")]
async fn p5_7_p3_8_a_welcome_that_lies_is_not_joined() {
    let mut stage = Stage::set().await;
    let tree: Arc<Mutex<Value>> = Arc::default();
    let keep = Arc::clone(&tree);
    stage.ana.mitm.after_relay(move |call, reply| {
        if call.is("/trees/") {
            *keep.lock().unwrap() = reply.value()["tree"].clone();
        }
    });
    stage.conversation().await;
    let foreign = tree.lock().unwrap().clone();
    assert!(foreign.is_string());
    let welcome = |member: &'static str| {
        move |call: &Call, reply: &mut Reply| {
            if call.is("/v1/sync") || call.is("/v1/stream") {
                for item in list(reply.value(), "inbox") {
                    if item["item"]["kind"] == "welcome" {
                        spoil(&mut item["item"], member);
                    }
                }
            }
        }
    };
    let on_tree = |answer: Value| {
        move |call: &Call, reply: &mut Reply| {
            if call.is("/trees/") {
                *reply.value() = answer.clone();
            }
        }
    };
    type After = Box<dyn Fn(&Call, &mut Reply) + Send + Sync>;
    let lies: Vec<(&str, After, &str)> = vec![
        (
            "foreign tree",
            Box::new(on_tree(json!({"tree": foreign}))),
            "rejoin_needed",
        ),
        ("no tree", Box::new(on_tree(json!({"tree": ""}))), "rejoin_needed"),
        (
            "tree of nonsense",
            Box::new(on_tree(json!({"tree": "AAAABBBBCCCC"}))),
            "rejoin_needed",
        ),
        (
            "tree withheld",
            Box::new(|call, reply| {
                if call.is("/trees/") {
                    *reply = Reply::problem("not_found");
                }
            }),
            "rejoin_needed",
        ),
        ("welcome", Box::new(welcome("welcome")), "rejoin_needed"),
        ("group", Box::new(welcome("group")), "rejoin_needed"),
        ("sender", Box::new(welcome("sender")), "rejoin_needed"),
        ("suite", Box::new(welcome("suite")), "rejoin_needed"),
        (
            "directory withheld",
            Box::new(|call, reply| {
                if call.is("/v1/directory") {
                    reply.value()["records"] = json!([]);
                }
            }),
            "key_mismatch",
        ),
        (
            "directory rewritten",
            Box::new(|call, reply| {
                if call.is("/v1/directory") {
                    for record in reply.value()["records"].as_array_mut().unwrap() {
                        spoil(record, "envelope");
                    }
                }
            }),
            "key_mismatch",
        ),
    ];
    for (n, (name, lie, code)) in lies.into_iter().enumerate() {
        // People whose keys she has not seen.
        let kai = Person::online(&stage.relay, &format!("kai {n}")).await.unwrap();
        let user = [stage.ana.person.user().await];
        stage.ana.mitm.after_relay(lie);
        let (talk, created) = kai.client().create_conversation(&user).await.unwrap();
        let id = talk.id();
        until_done(kai.client(), id, created, SOON).await;
        if code == "key_mismatch" {
            until_frozen(&stage.ana.person, id, code).await;
            send(&kai, id, "can you hear me?").await;
            stage.goes_on().await;
            assert_eq!(read(&stage.ana.person, id).await, Vec::<String>::new(), "{name}");
            stage.ana.mitm.honest();
            continue;
        }
        until_active(&stage.ana.person, id).await;
        let path = format!("{id}/commits");
        assert_eq!(stage.ana.mitm.exchanges(&path).len(), 1, "{name}: by external commit");
        send(&kai, id, "can you hear me?").await;
        until_text(stage.ana.client(), id, "can you hear me?", SOON).await;
        stage.goes_on().await;
        stage.ana.mitm.honest();
        // And somebody may add her again all the same.
        until_done(kai.client(), id, talk.remove(&user).await.unwrap(), SOON).await;
        until_done(kai.client(), id, talk.add(&user).await.unwrap(), SOON).await;
        until_active(&stage.ana.person, id).await;
        send(&kai, id, "and now?").await;
        until_text(stage.ana.client(), id, "and now?", SOON).await;
    }
}

/// What waits for a true answer waits alone.
#[tokio::test(flavor = "multi_thread")]
async fn p5_7_a_welcome_that_cannot_be_checked_yet_holds_up_nobody() {
    let mut stage = Stage::set().await;
    for case in [
        "tree is no tree",
        "directory is none",
        "directory is too old",
        "version of tomorrow",
    ] {
        let kai = Person::online(&stage.relay, &format!("kai {case}")).await.unwrap();
        stage.ana.mitm.after_relay(move |call, reply| match case {
            "tree is no tree" if call.is("/trees/") => reply.value()["tree"] = json!(7),
            "directory is none" if call.is("/v1/directory") => reply.value()["records"] = json!("later"),
            "directory is too old" if call.is("/v1/directory") => reply.value()["version"] = json!(0),
            "version of tomorrow" if call.is("/v1/sync") || call.is("/v1/stream") => {
                for item in list(reply.value(), "inbox") {
                    item["item"]["directory_version"] = json!(1_u64 << 40);
                }
            }
            _ => {}
        });
        let (talk, _) = kai
            .client()
            .create_conversation(&[stage.ana.person.user().await])
            .await
            .unwrap();
        let asked = if case == "tree is no tree" {
            "/trees/"
        } else {
            "/v1/directory"
        };
        stage.ana.mitm.until_more(asked, 2).await;
        stage.goes_on().await;
        assert!(
            talk.id() != stage.other && stage.ana.client().conversation(talk.id()).info().await.is_err(),
            "{case}"
        );
        stage.ana.mitm.honest();
        until_active(&stage.ana.person, talk.id()).await;
        send(&kai, talk.id(), case).await;
        until_text(stage.ana.client(), talk.id(), case, SOON).await;
    }
}

/// A Welcome made with the KeyPackage of last resort could be used for ever: shown again it would bring back an old epoch.
#[tokio::test(flavor = "multi_thread")]
async fn p5_7_a_welcome_shown_again_brings_no_old_epoch_back() {
    logs();
    for log in ["served", "denied"] {
        shown_again(log == "denied").await;
    }
}

/// Whose log is denied has to believe that the old membership is over.
async fn shown_again(denied: bool) {
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::new(&relay, "ana").await;
    ana.mitm.before_relay(|call| {
        if call.is("=/v1/key-packages") {
            call.body["one_time"] = json!([]);
        }
        None
    });
    let kept: Arc<Mutex<Vec<Value>>> = Arc::default();
    let trees: Arc<Mutex<Vec<Value>>> = Arc::default();
    let (keep, keep_tree) = (Arc::clone(&kept), Arc::clone(&trees));
    ana.mitm.after_relay(move |call, reply| {
        if call.is("/trees/") {
            keep_tree.lock().unwrap().push(reply.value().clone());
        }
        for item in list(reply.value(), "inbox") {
            keep.lock().unwrap().push(item.clone());
        }
    });
    ana.person.go_online().await.unwrap();
    let ben = Person::online(&relay, "ben").await.unwrap();
    let id = group(&[&ben, &ana.person]).await;
    for round in 0..3 {
        let renewed = ben.client().conversation(id).renew_keys().await.unwrap();
        until_done(ben.client(), id, renewed, SOON).await;
        send(&ben, id, &format!("round {round}")).await;
    }
    until_text(ana.client(), id, "round 2", SOON).await;
    let (mut welcome, tree) = (kept.lock().unwrap()[0].clone(), trees.lock().unwrap()[0].clone());
    assert_eq!(welcome["item"]["kind"], "welcome");
    let shown = Arc::new(Mutex::new(0));
    let count = Arc::clone(&shown);
    // The relay never hears of the item that it did not make.
    ana.mitm.before_relay(move |call| {
        if call.is("/v1/sync") {
            call.body["inbox_ack"] = json!(call.body["inbox_ack"].as_u64().unwrap().min(1));
        }
        if let Some(query) = &call.query {
            call.query = Some(query.replace("inbox_ack=2", "inbox_ack=1"));
        }
        if denied && call.is("/entries") {
            return Some(Reply::problem("removed"));
        }
        call.is("/trees/").then(|| Reply::json(200, tree.clone()))
    });
    welcome["index"] = json!(2);
    welcome["item"]["seq"] = json!(1000);
    ana.mitm.after_relay(move |call, reply| {
        if call.is("/v1/sync") && reply.status == 200 {
            *count.lock().unwrap() += 1;
            reply.value()["inbox"] = json!([welcome.clone()]);
        }
    });
    ana.client().stop().await;
    ana.client().start().await.unwrap();
    ana.mitm.until_more("/v1/sync", 2).await;
    send(&ana.person, id, "mine").await;
    send(&ben, id, "his").await;
    until_text(ben.client(), id, "mine", SOON).await;
    until_text(ana.client(), id, "his", SOON).await;
    assert!(*shown.lock().unwrap() > 0);
    same_everywhere(&[&ana.person, &ben], id, 5).await;
    let page = ana.client().conversation(id).latest(PAGE_LIMIT).await.unwrap();
    let joined = page.items.iter().filter(|item| item.entry == Entry::Joined).count();
    assert_eq!(joined, 1, "joined once");
}
