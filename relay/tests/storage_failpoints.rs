//! A relay that fails after something is durable and before the answer leaves: asking again finds out (3.1, 9.5). And how many
//! commits of the database a crowd of requests takes (9.6).
#![cfg(feature = "failpoints")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the storage suite, which uses all of it"
)]

#[path = "storage/world.rs"]
mod world;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use curo_relay::failpoints;
use curo_relay::storage::{
    AckOutcome, Acknowledge, AppendMessages, ApprovalOutcome, AskingDevice, ClaimKeyPackages, ClaimOutcome,
    CommitOutcome, CommitReport, DirectoryOutcome, LeaveOutcome, NewConversation, NewLeave, NewReceipt, ReceiptOutcome,
    ReportOutcome, SqliteOptions, SqliteStorage, StorageError, UploadOutcome, UploadedKeyPackages,
};
use curo_sqlite::CipherKey;
use curo_types::api::ReportReason;
use curo_types::{ClaimId, DeviceId, IntentId, UserId};
use world::{DEVICES, LIMITS, SUITE, World, accepted, key_of};

/// Runs a call three times: failing before it does anything, failing after it is durable, and through.
macro_rules! thrice {
    ($before:ident, $after:ident, $call:expr) => {{
        for name in [failpoints::$before, failpoints::$after] {
            fail::cfg(name, "return").unwrap();
            assert_eq!($call.unwrap_err(), StorageError::Retry, "{name}");
            fail::remove(name);
        }
        $call.unwrap()
    }};
}

/// Each call is repeated with the same bytes; the repetition answers what the lost answer would have said.
#[tokio::test]
async fn p3_1_a_lost_answer_is_found_out_by_asking_again() {
    let scenario = fail::FailScenario::setup();
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions {
        readers: 1,
        cache_kib: 2048,
    };
    let key = CipherKey::generate().unwrap();
    let storage = SqliteStorage::open(&folder.path().join("relay.db"), &key, options)
        .await
        .unwrap();
    let w = World::new(Arc::new(storage));
    let (s, tenant, now) = (&w.storage, &w.tenant, w.now());
    let (a, b) = (w.device().await, w.device().await);

    let new = curo_relay::storage::DeviceRef {
        user: UserId::random(),
        device: DeviceId::random(),
    };
    let changes = vec![World::addition(new)];
    let outcome = thrice!(
        DEVICE_BEFORE_ACCEPT,
        DEVICE_AFTER_ACCEPT,
        s.change_directory(tenant, changes.clone(), DEVICES, now).await
    );
    assert!(matches!(outcome, DirectoryOutcome::Duplicate(record) if record.version == 3));

    s.approval_since(tenant, true).await.unwrap();
    let second = curo_relay::storage::DeviceRef {
        user: new.user,
        device: DeviceId::random(),
    };
    let asking = AskingDevice {
        device: second,
        asked_ms: now,
        envelope: b"add".to_vec(),
    };
    let outcome = thrice!(
        APPROVAL_BEFORE_ACCEPT,
        APPROVAL_AFTER_ACCEPT,
        s.ask_approval(tenant, asking.clone(), DEVICES).await
    );
    assert_eq!(outcome, ApprovalOutcome::Waiting { wake: Vec::new() });
    assert_eq!(
        s.waiting_devices(tenant, new.user).await.unwrap().len(),
        1,
        "asked once"
    );

    let upload = UploadedKeyPackages {
        replace: false,
        suite: SUITE,
        public_key: key_of(b.device),
        one_time: vec![World::key_package("1"), World::key_package("2")],
        last_resort: None,
    };
    let outcome = thrice!(
        UPLOAD_BEFORE_ACCEPT,
        UPLOAD_AFTER_ACCEPT,
        s.upload_key_packages(tenant, b, upload.clone(), now).await
    );
    assert!(matches!(outcome, UploadOutcome::Accepted(stock) if stock.one_time == 2));

    let claim = ClaimKeyPackages {
        claim: ClaimId::random(),
        suites: vec![SUITE],
        users: vec![b.user],
    };
    let outcome = thrice!(
        CLAIM_BEFORE_ACCEPT,
        CLAIM_AFTER_ACCEPT,
        s.claim_key_packages(tenant, a, claim.clone(), LIMITS, now).await
    );
    assert!(matches!(outcome, ClaimOutcome::Duplicate(answer) if answer.claims.len() == 1));
    assert_eq!(
        s.key_package_stock(tenant, b.device, now).await.unwrap()[0].one_time,
        1,
        "claimed once"
    );

    let mut conversation = w.new_conversation();
    let first_commit = World::commit(&conversation, a, 3, &[b], &[]);
    let new = NewConversation {
        group: conversation.group,
        suite: SUITE,
        first_commit,
        lost: None,
    };
    let outcome = thrice!(
        CREATE_BEFORE_ACCEPT,
        CREATE_AFTER_ACCEPT,
        s.create_conversation(tenant, a, new.clone(), now).await
    );
    assert!(matches!(outcome, CommitOutcome::Duplicate(entry) if entry.accepted.seq == 1));
    conversation.epoch = 1;

    let messages = vec![World::message(&conversation, 1), World::message(&conversation, 2)];
    let batch = AppendMessages {
        conversation: conversation.id,
        incarnation: 1,
        messages,
    };
    let outcome = thrice!(
        MESSAGE_BEFORE_ACCEPT,
        MESSAGE_AFTER_ACCEPT,
        s.append_messages(tenant, a, batch.clone(), now).await
    );
    assert_eq!(
        outcome
            .accepted
            .iter()
            .map(|a| (a.seq, a.duplicate))
            .collect::<Vec<_>>(),
        [(2, true), (3, true)]
    );

    let commit = World::commit(&conversation, a, 3, &[], &[]);
    let outcome = thrice!(
        COMMIT_BEFORE_ACCEPT,
        COMMIT_AFTER_ACCEPT,
        s.accept_commit(tenant, a, commit.clone(), now).await
    );
    assert!(matches!(outcome, CommitOutcome::Duplicate(entry) if entry.accepted.seq == 4));
    conversation.epoch = 2;

    let receipt = NewReceipt {
        conversation: conversation.id,
        incarnation: 1,
        epoch: 2,
        sealed: b"sealed".to_vec(),
        least_ms: 0,
    };
    let outcome = thrice!(
        RECEIPT_BEFORE_ACCEPT,
        RECEIPT_AFTER_ACCEPT,
        s.put_receipt(tenant, b, receipt.clone(), now).await
    );
    assert_eq!(outcome, ReceiptOutcome::Unchanged);

    let acknowledge = Acknowledge {
        inbox: 1,
        cursors: Vec::new(),
    };
    let outcome = thrice!(
        SYNC_BEFORE_ACK,
        SYNC_AFTER_ACK,
        s.acknowledge(tenant, b, acknowledge.clone(), now).await
    );
    assert!(matches!(outcome, AckOutcome::Done { .. }));
    assert!(w.sync(b, None, 0).await.inbox.is_empty());

    let leave = NewLeave {
        conversation: conversation.id,
        incarnation: 1,
        intent: IntentId::random(),
        seq: 4,
        request: b"leave".to_vec(),
    };
    let outcome = thrice!(
        LEAVE_BEFORE_ACCEPT,
        LEAVE_AFTER_ACCEPT,
        s.leave(tenant, b, leave.clone(), now).await
    );
    assert!(matches!(outcome, LeaveOutcome::Left { closed: false, .. }));

    // Nothing was doubled on the way.
    assert_eq!(w.entries(a, &conversation, 0).await.len(), 4);
    let next = World::commit(&conversation, a, 3, &[], &[b]);
    assert_eq!(accepted(w.accept(a, next).await).accepted.seq, 5);
    // Of a conversation that is over afterwards.
    let mut other = w.new_conversation();
    let first_commit = World::commit(&other, a, 3, &[b], &[]);
    let new = NewConversation {
        group: other.group,
        suite: SUITE,
        first_commit,
        lost: None,
    };
    let created = s.create_conversation(tenant, a, new, now).await.unwrap();
    assert!(matches!(created, CommitOutcome::Accepted(..)), "{created:?}");
    other.epoch = 1;
    let bad = World::commit(&other, a, 3, &[], &[]);
    let report = CommitReport {
        conversation: other.id,
        incarnation: 1,
        epoch: 1,
        commit: bad.key.body_hash,
        reason: ReportReason::Unreadable,
    };
    accepted(w.accept(a, bad).await);
    let outcome = thrice!(
        REPORT_BEFORE_ACCEPT,
        REPORT_AFTER_ACCEPT,
        s.report_commit(tenant, b, report.clone(), now).await
    );
    assert!(matches!(outcome, ReportOutcome::Noted { over: true, .. }));
    scenario.teardown();
}

/// While one commit is on its way to the disk, others queue; they share the next one.
///
/// One thread runs all requests, so a request that counts as waiting stands in the queue.
#[tokio::test]
async fn p9_6_a_crowd_of_requests_shares_commits() {
    const CROWD: usize = 64;
    let scenario = fail::FailScenario::setup();
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions {
        readers: 1,
        cache_kib: 2048,
    };
    let key = CipherKey::generate().unwrap();
    let storage = SqliteStorage::open(&folder.path().join("relay.db"), &key, options)
        .await
        .unwrap();
    let w = Arc::new(World::new(Arc::new(storage)));
    let commits = Arc::new(AtomicUsize::new(0));
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let (counted, gate) = (Arc::clone(&commits), Mutex::new(gate));
    fail::cfg_callback("sqlite.before_commit", move || {
        if counted.fetch_add(1, Ordering::SeqCst) == 0 {
            // An error is a test that has given up: nobody needs this commit any more.
            let _gone = gate.lock().unwrap().recv();
        }
    })
    .unwrap();

    let mut crowd = tokio::task::JoinSet::new();
    for n in 0..CROWD {
        let w = Arc::clone(&w);
        crowd.spawn(async move {
            let subject = format!("person-{n}");
            w.storage
                .sign_in(&w.tenant, &subject, UserId::random(), w.now())
                .await
                .unwrap()
        });
        if n == 0 {
            // Nobody else may come into the first commit.
            while commits.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
        }
    }
    while w.storage.waiting_writes() < CROWD {
        tokio::task::yield_now().await;
    }
    go.send(()).unwrap();
    assert_eq!(crowd.join_all().await.len(), CROWD);
    assert_eq!(commits.load(Ordering::SeqCst), 2, "the first, and one for all others");
    scenario.teardown();
}
