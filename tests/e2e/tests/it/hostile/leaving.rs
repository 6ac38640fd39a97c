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
