//! Lies about people: KeyPackages and the directory.

use curo::IntentStatus;
use curo_kit::{Person, until_done, until_text};
use serde_json::json;

use super::{Stage, Tamper, spoil, tamper};
use crate::team::{people, read, send, until_active, until_frozen, until_settled};
use crate::{SOON, api};

/// KeyPackages of others, or none: nobody wrong is invited.
#[tokio::test(flavor = "multi_thread")]
async fn p3_6_a_claim_that_lies_invites_nobody() {
    let mut stage = Stage::set().await;
    let friends = people(&stage.relay, &["kai", "lea", "mallory"]).await;
    let [kai, lea, mallory] = &friends[..] else {
        panic!("three")
    };
    let users = [kai.user().await, lea.user().await];
    let path = "/v1/key-packages/claim";
    let hers = json!({"claim": "0f".repeat(16), "suites": [1], "users": [mallory.user().await]});
    let (status, hers) = api::call(&stage.relay, &stage.ben, path, Some(&hers)).await;
    assert_eq!(status, 200, "{hers}");
    let hers = hers["claims"][0].clone();
    let key_package = hers["key_package"].clone();
    let lies: Vec<(&str, Tamper, &str)> = vec![
        (
            "swapped",
            tamper(|answer| {
                let [a, b] = &mut answer["claims"].as_array_mut().unwrap()[..] else {
                    panic!("two")
                };
                std::mem::swap(&mut a["key_package"], &mut b["key_package"]);
            }),
            "key_mismatch",
        ),
        (
            "somebody else's",
            tamper(move |answer| answer["claims"][0]["key_package"] = key_package.clone()),
            "key_mismatch",
        ),
        (
            "another device",
            tamper(|answer| spoil(&mut answer["claims"][0], "device")),
            "key_mismatch",
        ),
        (
            "no KeyPackage",
            tamper(|answer| answer["claims"][0]["key_package"] = json!("AAAA")),
            "key_mismatch",
        ),
        (
            "tampered with",
            tamper(|answer| spoil(&mut answer["claims"][0], "key_package")),
            "key_mismatch",
        ),
        (
            "nobody there",
            tamper(|answer| answer["claims"] = json!([])),
            "no_device",
        ),
        (
            "another person",
            tamper(move |answer| answer["claims"] = json!([hers.clone()])),
            "no_device",
        ),
        (
            "missing",
            tamper(|answer| answer["missing"] = json!([answer["claims"][0]["user"].clone()])),
            "no_device",
        ),
    ];
    for (name, lie, code) in lies {
        let id = stage.conversation().await;
        let talk = stage.ana.client().conversation(id);
        stage.ana.mitm.after_relay(move |call, reply| {
            if call.is(path) {
                lie(reply.value());
            }
        });
        let added = talk.add(&users).await.unwrap();
        match until_settled(&stage.ana.person, id, added).await {
            // A KeyPackage may be broken in a way that only the engine or the relay sees.
            IntentStatus::Failed { code: why, .. } if name == "tampered with" => {
                assert!(["key_mismatch", "refused"].contains(&why.as_str()), "{why}");
            }
            IntentStatus::Failed {
                code: why,
                retryable: false,
            } => assert_eq!(why.as_str(), code, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(talk.info().await.unwrap().members.len(), 2, "{name}");
        stage.goes_on().await;
        stage.ana.mitm.honest();
        talk.retry(added).await.unwrap();
        until_done(stage.ana.client(), id, added, SOON).await;
        until_active(lea, id).await;
    }
    assert!(mallory.client().conversations().await.unwrap().is_empty());
}

/// The directory lies while somebody is invited.
#[tokio::test(flavor = "multi_thread")]
async fn p3_6_p2_11_a_directory_that_lies_invites_nobody() {
    let mut stage = Stage::set().await;
    let mallory = Person::online(&stage.relay, "mallory").await.unwrap();
    let query = json!({"users": [mallory.user().await]});
    let (_, hers) = api::call(&stage.relay, &stage.ben, "/v1/directory", Some(&query)).await;
    let hers = hers["records"][0].clone();
    let (instead, added_to) = (hers["envelope"].clone(), hers);
    // What does not verify is asked for again; what is withheld was never published.
    let lies: Vec<(&str, Tamper, bool)> = vec![
        (
            "rewritten",
            tamper(|answer| spoil(&mut answer["records"][0], "envelope")),
            true,
        ),
        (
            "swapped",
            tamper(move |answer| answer["records"][0]["envelope"] = instead.clone()),
            true,
        ),
        (
            "of others too",
            tamper(move |answer| {
                answer["records"].as_array_mut().unwrap().insert(0, added_to.clone());
            }),
            true,
        ),
        (
            "too old",
            tamper(|answer| {
                answer["version"] = json!(0);
                answer["records"] = json!([]);
            }),
            true,
        ),
        (
            "version beyond",
            tamper(|answer| answer["records"][0]["version"] = json!(1_u64 << 40)),
            true,
        ),
        (
            "twice",
            tamper(|answer| {
                let one = answer["records"][0].clone();
                answer["records"].as_array_mut().unwrap().push(one);
            }),
            true,
        ),
        ("withheld", tamper(|answer| answer["records"] = json!([])), false),
    ];
    for (n, (name, lie, waits)) in lies.into_iter().enumerate() {
        let id = stage.conversation().await;
        let kai = Person::online(&stage.relay, &format!("kai {n}")).await.unwrap();
        let talk = stage.ana.client().conversation(id);
        stage.ana.mitm.after_relay(move |call, reply| {
            if call.is("/v1/directory") {
                lie(reply.value());
            }
        });
        let added = talk.add(&[kai.user().await]).await.unwrap();
        if waits {
            stage.ana.mitm.until_more("/v1/directory", 2).await;
            assert_eq!(talk.intent(added).await.unwrap(), IntentStatus::Pending, "{name}");
        } else {
            let IntentStatus::Failed { code, .. } = until_settled(&stage.ana.person, id, added).await else {
                panic!("{name}")
            };
            assert_eq!(code.as_str(), "key_mismatch", "{name}");
        }
        assert_eq!(talk.info().await.unwrap().members.len(), 2, "{name}");
        stage.goes_on().await;
        stage.ana.mitm.honest();
        if !waits {
            talk.retry(added).await.unwrap();
        }
        until_done(stage.ana.client(), id, added, SOON).await;
        until_active(&kai, id).await;
    }
}

/// The directory lies about somebody whom another member adds: a key that was never published freezes the conversation.
#[tokio::test(flavor = "multi_thread")]
async fn p3_6_a_member_whose_key_was_never_published_freezes_the_conversation() {
    let mut stage = Stage::set().await;
    for (n, name) in ["withheld", "rewritten"].into_iter().enumerate() {
        let id = stage.conversation().await;
        send(&stage.ben, id, "before").await;
        until_text(stage.ana.client(), id, "before", SOON).await;
        let kai = Person::online(&stage.relay, &format!("kai {n}")).await.unwrap();
        stage.ana.mitm.after_relay(move |call, reply| {
            if call.is("/v1/directory") {
                match name {
                    "withheld" => reply.value()["records"] = json!([]),
                    _ => spoil(&mut reply.value()["records"][0], "envelope"),
                }
            }
        });
        let talk = stage.ben.client().conversation(id);
        until_done(
            stage.ben.client(),
            id,
            talk.add(&[kai.user().await]).await.unwrap(),
            SOON,
        )
        .await;
        send(&stage.ben, id, "who is kai?").await;
        until_frozen(&stage.ana.person, id, "key_mismatch").await;
        send(&stage.ana.person, id, "not for strangers").await;
        stage.goes_on().await;
        assert_eq!(read(&stage.ana.person, id).await, ["before", "not for strangers"]);
        assert!(
            stage.ana.mitm.exchanges(&format!("{id}/messages")).is_empty(),
            "{name}: something was sent"
        );
        stage.ana.mitm.honest();
    }
}
