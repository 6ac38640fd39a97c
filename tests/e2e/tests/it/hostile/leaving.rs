//! Lies about who has left or was revoked.

use curo_kit::until_text;
use serde_json::{Value, json};

use super::Stage;
use crate::SOON;
use crate::team::{frozen, send};

/// The relay's word alone removes nobody (rule 6.1).
#[tokio::test(flavor = "multi_thread")]
async fn p6_1_nobody_is_removed_on_the_relays_word() {
    let mut stage = Stage::set().await;
    let ben = stage.ben.account().await.unwrap();
    let pending = |reason: &str, more: Value| {
        let mut one = json!({"user": ben.user, "device": ben.device, "reason": reason});
        one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([one])
    };
    let lies = [
        ("without a request", pending("left", json!({}))),
        ("with a request that is none", pending("left", json!({"leave": "AQID"}))),
        ("without a revocation", pending("revoked", json!({}))),
        ("with a version", pending("revoked", json!({"version": 1}))),
        ("for a reason of its own", pending("disliked", json!({}))),
        ("nobody", json!([])),
    ];
    for (name, lie) in lies {
        let id = stage.conversation().await;
        let told = lie.clone();
        stage.ana.mitm.after_relay(move |call, reply| {
            if call.path.ends_with(&format!("{id}/messages")) {
                reply.status = 409;
                *reply.value() = json!({
                    "type": "urn:curo:problem:removal_pending", "title": "removal pending", "status": 409,
                    "code": "removal_pending", "pending": told,
                });
            }
        });
        send(&stage.ana.person, id, name).await;
        stage.ana.mitm.until_more(&format!("{id}/messages"), 1).await;
        stage.goes_on().await;
        stage.ana.mitm.honest();
        send(&stage.ben, id, "still here").await;
        until_text(stage.ana.client(), id, "still here", SOON).await;
        let info = stage.ana.client().conversation(id).info().await.unwrap();
        assert!(info.members.contains(&ben.user), "{name}");
        assert_eq!(frozen(&stage.ana.person, id).await, None, "{name}");
        assert_eq!(crate::team::read(&stage.ben, id).await, [name, "still here"], "{name}");
    }
}

/// Nor does it make a member's user go by calling their device silent (rule 6.3): here somebody rewrites what an honest relay says, and
/// that relay takes no commit that says so.
#[tokio::test(flavor = "multi_thread")]
async fn p6_3_a_live_device_that_is_called_silent_stays_with_its_user() {
    let mut stage = Stage::set().await;
    let ben = stage.ben.account().await.unwrap();
    let id = stage.conversation().await;
    let told = json!([{"user": ben.user, "device": ben.device, "reason": "silent"}]);
    stage.ana.mitm.after_relay(move |call, reply| {
        if call.path.ends_with(&format!("{id}/messages")) {
            reply.status = 409;
            *reply.value() = json!({
                "type": "urn:curo:problem:removal_pending", "title": "removal pending", "status": 409,
                "code": "removal_pending", "pending": told,
            });
        }
    });
    send(&stage.ana.person, id, "are you there?").await;
    stage.ana.mitm.until_more(&format!("{id}/commits"), 1).await;
    stage.goes_on().await;
    stage.ana.mitm.honest();
    send(&stage.ben, id, "still here").await;
    until_text(stage.ana.client(), id, "still here", SOON).await;
    until_text(stage.ben.client(), id, "are you there?", SOON).await;
    let info = stage.ana.client().conversation(id).info().await.unwrap();
    let theirs = info.roster.iter().find(|member| member.user == ben.user).unwrap();
    assert!(!theirs.dormant);
    assert_eq!(frozen(&stage.ana.person, id).await, None);
}
