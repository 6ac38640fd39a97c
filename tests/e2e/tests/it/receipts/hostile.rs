//! A relay, and a member, that say what is not so.

use std::sync::{Arc, Mutex};

use aes_gcm::aead::{Aead as _, Payload as Sealing};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use curo::{ConversationId, DeviceId};
use curo_kit::{TestRelay, until_text};
use curo_types::Blob;
use curo_types::api::MemberReceipt;
use curo_types::format::ReceiptPlace;
use serde_json::{Value, json};

use super::{delivered, read, reads, reference, stands, until_stands};
use crate::mitm::{Call, Payload, Reply, Victim};
use crate::team::{group, people, send, until_sent};
use crate::{SOON, damage, logs};

/// The slots in an answer of sync or a line of the stream.
fn slots<'r>(call: &Call, reply: &'r mut Reply) -> Option<&'r mut Value> {
    let sync = call.is("=/v1/sync") || call.is("/v1/stream");
    let json = matches!(reply.body, Payload::Json(_));
    (sync && json && reply.status == 200 && reply.value()["store"].is_string()).then(|| reply.value())
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_3_a_slot_of_somebody_or_somewhere_else_is_passed_over_and_nothing_stops() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let team = people(&relay, &["ben", "cara"]).await;
    let [ben, cara] = &team[..] else { unreachable!() };
    let id = group(&[&ana.person, ben, cara]).await;
    let other = group(&[&ana.person, cara]).await;
    let message = send(&ana.person, id, "who has read this?").await;
    let elsewhere = send(&ana.person, other, "and this?").await;
    until_stands(&ana.person, id, message, delivered(2, 2)).await;
    until_stands(&ana.person, other, elsewhere, delivered(1, 1)).await;
    let cara_device = cara.account().await.unwrap().device;
    let own = ana.person.account().await.unwrap().device;
    // Ben's slot, as if it were everybody's and everywhere.
    ana.mitm.after_relay(move |call, reply| {
        let Some(answer) = slots(call, reply) else { return };
        let Some(honest) = answer["receipts"].as_array().and_then(|all| all.first().cloned()) else {
            return;
        };
        let with = |name: &str, value: Value| {
            let mut slot = honest.clone();
            slot[name] = value;
            slot
        };
        let mut all = vec![
            with("device", json!(cara_device)),
            with("device", json!(own)),
            with("device", json!(DeviceId([7; 16]))),
            with("conversation", json!(ConversationId([7; 16]))),
            with("incarnation", json!(0)),
            with("incarnation", json!(9)),
            with("epoch", json!(0)),
            with("epoch", json!(u64::from(u32::MAX))),
            with("sealed", json!("")),
            with("sealed", json!("AAAA")),
            with("sealed", json!("A".repeat(340))),
            with("sealed", json!("A".repeat(4000))),
        ];
        let mut moved = with("conversation", json!(other));
        moved["device"] = json!(cara_device);
        all.push(moved);
        all.push(honest);
        answer["receipts"] = json!(all);
    });
    reads(ben, id, reference(&ana.person, message).await).await;
    until_stands(&ana.person, id, message, read(1, 2)).await;
    send(cara, id, "sync goes on").await;
    until_text(ana.client(), id, "sync goes on", SOON).await;
    assert_eq!(stands(&ana.person, id, message).await, read(1, 2));
    assert_eq!(stands(&ana.person, other, elsewhere).await, delivered(1, 1));
    // The next honest one counts.
    ana.mitm.honest();
    reads(cara, id, reference(&ana.person, message).await).await;
    until_stands(&ana.person, id, message, read(2, 2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_3_an_old_slot_that_is_shown_again_changes_nothing() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let team = people(&relay, &["ben"]).await;
    let ben = &team[0];
    let id = group(&[&ana.person, ben]).await;
    let first = send(&ana.person, id, "first").await;
    let kept: Arc<Mutex<Option<Value>>> = Arc::default();
    let keep = Arc::clone(&kept);
    ana.mitm.after_relay(move |call, reply| {
        let Some(answer) = slots(call, reply) else { return };
        if let Some(slot) = answer["receipts"].as_array().and_then(|all| all.first()) {
            keep.lock().unwrap().get_or_insert_with(|| slot.clone());
        }
    });
    reads(ben, id, reference(&ana.person, first).await).await;
    until_stands(&ana.person, id, first, read(1, 1)).await;
    let second = send(&ana.person, id, "second").await;
    reads(ben, id, reference(&ana.person, second).await).await;
    until_stands(&ana.person, id, second, read(1, 1)).await;
    let old = kept.lock().unwrap().clone().unwrap();
    ana.mitm.after_relay(move |call, reply| {
        if let Some(answer) = slots(call, reply) {
            answer["receipts"] = json!([old]);
        }
    });
    send(ben, id, "something new").await;
    until_text(ana.client(), id, "something new", SOON).await;
    assert_eq!(stands(&ana.person, id, second).await, read(1, 1));
    let third = send(&ana.person, id, "third").await;
    until_stands(&ana.person, id, third, delivered(1, 1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_3_nobody_has_read_what_was_not_said_yet() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut team = people(&relay, &["ana", "ben", "cara"]).await;
    let id = group(&[&team[0], &team[1], &team[2]]).await;
    let first = send(&team[0], id, "first").await;
    until_stands(&team[0], id, first, delivered(2, 2)).await;
    // A member's device that has read a million entries, signed and sealed as it should be.
    team[1].close().await.unwrap();
    damage::change(team[1].dir(), |conn| {
        conn.execute_batch(
            "UPDATE overview SET read_incarnation = 1, read_seq = 1000000;
             INSERT INTO receipt_own (conversation, behind, read_ms) SELECT conversation, 1, 1 FROM overview;",
        )
        .unwrap();
    })
    .await;
    team[1].open().await.unwrap();
    team[1].go_online().await.unwrap();
    let (ana, ben, cara) = (&team[0], &team[1], &team[2]);
    let said = async || ben.client().diagnostics().await.contains("receipts_waiting: 0");
    curo_kit::until(ben.client(), "the slot is written", SOON, said).await;
    let later = send(ana, id, "later").await;
    until_sent(ana).await;
    reads(cara, id, reference(ana, later).await).await;
    until_stands(ana, id, later, read(1, 2)).await;
    assert_eq!(stands(ana, id, first).await, read(1, 2));
}

/// What a member and a relay could do together: a member has the epoch's key, and the relay puts its slot where another's
/// should be.
#[tokio::test(flavor = "multi_thread")]
async fn p8_3_a_member_cannot_say_what_another_has_read() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let team = people(&relay, &["ben", "cara"]).await;
    let [ben, cara] = &team[..] else { unreachable!() };
    let id = group(&[&ana.person, ben, cara]).await;
    let message = send(&ana.person, id, "who has read this?").await;
    until_stands(&ana.person, id, message, delivered(2, 2)).await;
    let seen: Arc<Mutex<Option<Value>>> = Arc::default();
    let keep = Arc::clone(&seen);
    ana.mitm.after_relay(move |call, reply| {
        if let Some(slot) = slots(call, reply).and_then(|answer| answer["receipts"].as_array()?.first().cloned()) {
            *keep.lock().unwrap() = Some(slot);
        }
    });
    reads(ben, id, reference(&ana.person, message).await).await;
    until_stands(&ana.person, id, message, read(1, 2)).await;
    let own: MemberReceipt = serde_json::from_value(seen.lock().unwrap().clone().unwrap()).unwrap();
    let account = ben.account().await.unwrap();
    ben.close().await.unwrap();
    let key: Arc<Mutex<Vec<u8>>> = Arc::default();
    let (found, epoch) = (Arc::clone(&key), i64::try_from(own.epoch).unwrap());
    damage::change(ben.dir(), move |conn| {
        let sql = "SELECT key FROM receipt_key WHERE conversation = ?1 AND incarnation = 1 AND epoch = ?2";
        *found.lock().unwrap() = conn.query_row(sql, (id.0, epoch), |row| row.get(0)).unwrap();
    })
    .await;
    let key = key.lock().unwrap().clone();
    let cipher = Aes256Gcm::new_from_slice(&key).unwrap();
    let place = |device| ReceiptPlace {
        tenant: &account.tenant,
        conversation: id,
        incarnation: 1,
        epoch: own.epoch,
        device,
    };
    let (nonce, sealed) = own.sealed.as_slice().split_first_chunk::<12>().unwrap();
    let opened = |device| {
        let aad = &place(device).associated_data();
        cipher.decrypt(nonce.into(), Sealing { msg: sealed, aad })
    };
    let cara_device = cara.account().await.unwrap().device;
    assert!(opened(cara_device).is_err());
    let said = opened(account.device).unwrap();
    // Ben's own words and signature, sealed as Cara's.
    let aad = &place(cara_device).associated_data();
    let sealed = cipher.encrypt((&[7; 12]).into(), Sealing { msg: &said, aad }).unwrap();
    let forged = MemberReceipt {
        device: cara_device,
        sealed: Blob([&[7; 12][..], &sealed].concat()),
        ..own
    };
    let forged = serde_json::to_value(forged).unwrap();
    let shown = Arc::new(Mutex::new(0));
    let count = Arc::clone(&shown);
    ana.mitm.after_relay(move |call, reply| {
        if let Some(answer) = slots(call, reply) {
            answer["receipts"] = json!([forged]);
            *count.lock().unwrap() += 1;
        }
    });
    send(cara, id, "not yet").await;
    until_text(ana.client(), id, "not yet", SOON).await;
    assert!(*shown.lock().unwrap() > 0);
    assert_eq!(stands(&ana.person, id, message).await, read(1, 2));
    // Hers counts.
    ana.mitm.honest();
    reads(cara, id, reference(&ana.person, message).await).await;
    until_stands(&ana.person, id, message, read(2, 2)).await;
}
