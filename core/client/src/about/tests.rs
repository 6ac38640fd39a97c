//! Changes over a real store: what takes effect, in which order, by whose right; what newcomers make of it.

use curo_mls::{CommitOutcome, Leaf};
use curo_store::repo::conversation::ConversationState;
use curo_store::repo::{directory, leaf as leaf_rows};
use curo_store::{FileVault, ProfileId, Store};
use curo_types::format::{AsOf, Credential, EntryKind, Subject, UserText};
use curo_types::{Blob, ChainId, DeviceId, Digest, GroupId, StoreId, SuiteId};

use super::rights::Judged;
use super::*;
use crate::dormant::Named;

pub(crate) const ID: ConversationId = ConversationId([0xc1; 16]);
pub(crate) const SUITE: SuiteId = SuiteId::MLS_128_X25519_AES128GCM_SHA256_ED25519;

/// This user is 1, this device 1.
pub(crate) fn me() -> Account {
    Account {
        tenant: "st-mary".parse().unwrap(),
        user: user(1),
        device: device(1),
        suites: Vec::new(),
        keys: Vec::new(),
        rotation: None,
        read_suites: String::new(),
        dpop_key: Vec::new(),
        audit_chain: ChainId([0; 16]),
        relay_store: StoreId([0; 16]),
        directory_key: Digest::ZERO,
        log_key: Digest::ZERO,
        envelope: Vec::new(),
        registered: None,
        directory_version: 0,
        sync_token: None,
        inbox_ack: 0,
    }
}

/// The user of the device of the same number.
pub(crate) fn user(n: u8) -> UserId {
    UserId([n; 16])
}

pub(crate) fn device(n: u8) -> DeviceId {
    DeviceId([n; 16])
}

pub(crate) fn row(joined_seq: u64) -> ConversationRow {
    ConversationRow {
        group: Some(GroupId([1; 16])),
        suite: Some(SUITE),
        cursor_seq: joined_seq,
        joined_seq,
        epoch: 1,
        ..ConversationRow::new(ID, 1, ConversationState::Active, 0)
    }
}

pub(crate) fn entry(seq: u64, sender: u8) -> EntryRecord {
    EntryRecord {
        incarnation: 1,
        seq,
        kind: EntryKind::Message,
        epoch: 1,
        sender: device(sender),
        intent: IntentId::random(),
        directory_version: None,
        time_ms: seq,
        body: Blob(Vec::new()),
        h: Digest::ZERO,
        leaves: Vec::new(),
    }
}

/// Runs in a transaction of a new store, with users 1 to 4 on the roster.
pub(crate) fn with_store(joined_seq: u64, job: impl FnOnce(&Connection, &ConversationRow) + Send + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("keys")).unwrap();
        let vault = FileVault::new(folder.path().join("keys"), &[7; 32]);
        let store = Store::create(folder.path(), ProfileId([1; 16]), &vault).await.unwrap();
        let done = store.write::<_, Fault>(move |tx| {
            let row = row(joined_seq);
            conversation::put(tx, &row)?;
            for n in 1..=4 {
                conversation::add_member(tx, ID, 1, user(n), joined_seq)?;
                if n > 1 {
                    leaf_rows::enter(tx, ID, 1, (user(n), device(n)), joined_seq)?;
                }
            }
            job(tx, &row);
            Ok(())
        });
        done.await.unwrap();
    });
}

fn say(conn: &Connection, row: &ConversationRow, seq: u64, sender: u8, body: &StateBody) {
    let entry = entry(seq, sender);
    let content = Content::of_kind(StateBody::KIND, entry.intent.into(), body.to_bytes().unwrap());
    assert!(is_state(&content.to_bytes().unwrap()));
    assert!(arrived(conn, &me(), row, &entry, user(sender), &content).unwrap());
}

fn title(conn: &Connection) -> String {
    about::get(conn, ID).unwrap().unwrap().title
}

fn subject(value: &str) -> Subject {
    Subject {
        system: "urn:x".into(),
        value: value.into(),
    }
}

fn role_of(conn: &Connection, n: u8) -> String {
    let about = read(conn, &row(1)).unwrap();
    let member = about.roster.iter().find(|member| member.user == user(n)).unwrap();
    member.role.as_str().to_owned()
}

pub(crate) fn leaf(n: u8) -> Leaf {
    Leaf {
        index: u32::from(n),
        identity: Credential::new("st-mary".parse().unwrap(), user(n), device(n)).to_bytes(),
        signature_key: vec![n],
    }
}

pub(crate) fn outcome(sender: u8, added: &[u8], removed: &[u8]) -> CommitOutcome {
    CommitOutcome {
        sender: leaf(sender),
        external: None,
        aad: Vec::new(),
        epoch: 2,
        added: added.iter().copied().map(leaf).collect(),
        removed: removed.iter().copied().map(leaf).collect(),
        updated: Vec::new(),
        self_removed: false,
    }
}

fn epoch_begins(conn: &Connection, row: &ConversationRow, seq: u64) {
    after_commit(conn, &me(), row, &entry(seq, 2), &outcome(2, &[], &[])).unwrap();
}

#[test]
fn p6_7_who_may_change_what_follows_the_table() {
    with_store(1, |conn, row| {
        // User 2 has created it.
        joined(conn, &me(), row, (Some(user(2)), device(2))).unwrap();
        assert_eq!(role_of(conn, 2), "admin");
        say(conn, row, 2, 1, &StateBody::title("by a member".into()));
        assert_eq!(title(conn), "by a member");
        say(conn, row, 3, 1, &StateBody::role(user(1), "admin".into()));
        assert_eq!(role_of(conn, 1), "member", "members give no roles");
        say(conn, row, 4, 2, &StateBody::role(user(3), "org.example.patient".into()));
        say(conn, row, 5, 3, &StateBody::title("not in force yet".into()));
        assert_eq!(title(conn), "not in force yet");
        epoch_begins(conn, row, 6);
        say(conn, row, 7, 3, &StateBody::title("by a patient".into()));
        say(conn, row, 8, 3, &StateBody::bind(vec![subject("1")]));
        say(conn, row, 9, 3, &StateBody::role(user(3), "admin".into()));
        assert_eq!(
            (title(conn).as_str(), role_of(conn, 3).as_str()),
            ("not in force yet", "org.example.patient")
        );
        assert!(about::subjects(conn, ID).unwrap().is_empty());
        for (n, act, may) in [
            (2, Act::Remove, true),
            (1, Act::Remove, false),
            (1, Act::Add, true),
            (1, Act::Appoint, false),
            (3, Act::Add, false),
            (3, Act::Describe, false),
        ] {
            assert_eq!(allowed(conn, row, user(n), act).unwrap(), may, "{n} {act:?}");
        }
        // The admin goes: members have all rights, others still none.
        conversation::remove_member(conn, ID, 1, user(2), 10).unwrap();
        assert!(allowed(conn, row, user(1), Act::Remove).unwrap());
        assert!(!allowed(conn, row, user(3), Act::Remove).unwrap());
    });
}

#[test]
fn p6_5_the_later_title_in_the_log_counts_and_names_are_everybodys_own() {
    with_store(1, |conn, row| {
        joined(conn, &me(), row, (Some(user(2)), device(2))).unwrap();
        say(conn, row, 2, 1, &StateBody::title("one".into()));
        say(conn, row, 3, 4, &StateBody::title("two".into()));
        assert_eq!(title(conn), "two");
        say(conn, row, 4, 2, &StateBody::name(user(1), "an admin's joke".into()));
        assert!(about::names(conn, ID).unwrap().is_empty());
        say(conn, row, 5, 3, &StateBody::name(user(3), "Pat".into()));
        assert_eq!(about::names(conn, ID).unwrap(), [(user(3), "Pat".to_owned())]);
        let stranger = StateBody::role(user(9), "admin".into());
        say(conn, row, 6, 2, &stranger);
        assert_eq!(
            about::role(conn, ID, user(9)).unwrap(),
            None,
            "who is not in it has no role"
        );
        let many: Vec<_> = (0..200).map(|n| subject(&n.to_string())).collect();
        say(conn, row, 7, 1, &StateBody::bind(many.clone()));
        let more: Vec<_> = (100..300).map(|n| subject(&n.to_string())).collect();
        say(conn, row, 8, 1, &StateBody::bind(more));
        assert_eq!(about::subjects(conn, ID).unwrap().len(), 256, "no more than fit");
        say(conn, row, 9, 1, &StateBody::unbind(many));
        assert_eq!(about::subjects(conn, ID).unwrap().len(), 56);
    });
}

#[test]
fn p6_5_what_is_no_state_is_shown_as_unsupported() {
    with_store(1, |conn, row| {
        joined(conn, &me(), row, (Some(user(2)), device(2))).unwrap();
        for bytes in [&b""[..], &[0xa1, 0, 2], &[0xa2, 0, 1, 2, 0x61, 0xff], &[0xff]] {
            let entry = entry(2, 3);
            let content = Content::of_kind(StateBody::KIND, entry.intent.into(), bytes.to_vec());
            assert!(!arrived(conn, &me(), row, &entry, user(3), &content).unwrap());
        }
        assert!(!is_state(b"") && !is_state(&[0xa4, 0, 1, 1, 0x65]));
        let other = Content::of_kind("stat", MESSAGE, Vec::new()).to_bytes().unwrap();
        assert!(!is_state(&other));
    });
}

const MESSAGE: curo_types::MessageId = curo_types::MessageId([1; 16]);

/// The same log, seen by who was there from the first entry and by who joined in the middle.
#[test]
fn p6_5_newcomers_come_to_the_same_as_everybody() {
    let mut whole = StateBody::title("Ward 4".into());
    whole.as_of = Some(AsOf { incarnation: 1, seq: 5 });
    whole.bound = Some(vec![subject("1")]);
    let text = |n, text: &str| UserText {
        user: user(n),
        text: text.to_owned(),
    };
    whole.roles = Some(vec![text(2, "admin"), text(3, "org.example.patient")]);
    whole.names = Some(vec![text(2, "Dr Lee")]);
    with_store(5, move |conn, row| {
        joined(conn, &me(), row, (Some(user(4)), device(4))).unwrap();
        assert!(!about::get(conn, ID).unwrap().unwrap().whole);
        // Before the whole: what is told is shown, whoever tells it.
        say(conn, row, 6, 3, &StateBody::title("by a patient".into()));
        assert_eq!(title(conn), "by a patient");
        say(conn, row, 7, 2, &StateBody::bind(vec![subject("2")]));
        let mut forged = whole.clone();
        forged.title = Some("forged".into());
        say(conn, row, 8, 3, &forged);
        forged.as_of = Some(AsOf { incarnation: 1, seq: 4 });
        say(conn, row, 9, 4, &forged);
        forged.as_of = Some(AsOf { incarnation: 2, seq: 5 });
        say(conn, row, 9, 4, &forged);
        forged.as_of = Some(AsOf {
            incarnation: 1,
            seq: 10,
        });
        say(conn, row, 10, 4, &forged);
        assert_eq!(
            title(conn),
            "by a patient",
            "nobody but the adder, of nothing but since"
        );
        say(conn, row, 11, 4, &whole);
        assert_eq!(title(conn), "Ward 4", "the patient's title did not count");
        assert_eq!(about::subjects(conn, ID).unwrap(), [subject("1"), subject("2")]);
        assert_eq!(
            (role_of(conn, 2).as_str(), role_of(conn, 3).as_str()),
            ("admin", "org.example.patient")
        );
        forged.as_of = whole.as_of;
        say(conn, row, 12, 4, &forged);
        assert_eq!(title(conn), "Ward 4", "once");
    });
}

#[test]
fn p6_5_whoever_adds_sends_the_whole_and_who_lacks_it_owes_it() {
    let queued = |conn: &Connection| {
        let limit = outbox::Limit {
            rows: 10,
            bytes: 1 << 20,
        };
        let rows = outbox::queued(conn, ID, limit).unwrap();
        let body = |payload: &[u8]| StateBody::from_bytes(Content::from_bytes(payload).unwrap().body()).unwrap();
        rows.iter().map(|row| body(&row.payload)).collect::<Vec<_>>()
    };
    with_store(1, move |conn, row| {
        joined(conn, &me(), row, (Some(user(2)), device(2))).unwrap();
        say(conn, row, 2, 1, &StateBody::title("Ward 4".into()));
        after_commit(conn, &me(), row, &entry(3, 2), &outcome(2, &[4], &[])).unwrap();
        assert!(queued(conn).is_empty(), "the other one sends it");
        after_commit(conn, &me(), row, &entry(4, 1), &outcome(1, &[4], &[])).unwrap();
        let [whole] = &queued(conn)[..] else { panic!("one") };
        assert_eq!(whole.as_of, Some(AsOf { incarnation: 1, seq: 4 }));
        assert_eq!(whole.title.as_deref(), Some("Ward 4"));
        assert_eq!(whole.roles.as_ref().unwrap()[0].user, user(2));
    });
    with_store(5, move |conn, row| {
        joined(conn, &me(), row, (Some(user(2)), device(2))).unwrap();
        after_commit(conn, &me(), row, &entry(6, 1), &outcome(1, &[4], &[])).unwrap();
        assert!(queued(conn).is_empty(), "it does not know it yet");
        let mut whole = StateBody::title("Ward 4".into());
        whole.as_of = Some(AsOf { incarnation: 1, seq: 5 });
        say(conn, row, 7, 2, &whole);
        let [owed] = &queued(conn)[..] else { panic!("one") };
        assert_eq!(owed.as_of, Some(AsOf { incarnation: 1, seq: 7 }));
        assert_eq!(owed.title.as_deref(), Some("Ward 4"));
    });
}

#[test]
fn p6_7_commits_are_judged_by_the_roles_in_force() {
    with_store(1, |conn, row| {
        let judge = |view: &CommitOutcome| {
            let mut entry = entry(9, 3);
            entry.directory_version = Some(7);
            rights::judge(conn, &me(), row, SUITE, &entry, view, &Named::default()).unwrap()
        };
        assert_eq!(judge(&outcome(3, &[], &[4])), Judged::Good, "nothing is known yet");
        joined(conn, &me(), row, (Some(user(2)), device(2))).unwrap();
        assert_eq!(judge(&outcome(2, &[9], &[4])), Judged::Good, "an admin");
        assert_eq!(judge(&outcome(3, &[9], &[])), Judged::Good, "members add");
        assert_eq!(
            judge(&outcome(3, &[], &[3])),
            Judged::Good,
            "another device of the author's"
        );
        assert_eq!(judge(&outcome(3, &[], &[4])), Judged::Fetch(vec![user(4)]));
        directory::set_complete_to(conn, user(4), 7).unwrap();
        assert_eq!(judge(&outcome(3, &[], &[4])), Judged::Good, "no key of the directory's");
        directory::add(conn, 5, user(4), device(4), b"", true, &[(SUITE, vec![4])]).unwrap();
        assert_eq!(
            judge(&outcome(3, &[], &[4])),
            Judged::NotAllowed,
            "members remove nobody"
        );
        directory::add(conn, 6, user(4), device(4), b"", true, &[]).unwrap();
        assert_eq!(judge(&outcome(3, &[], &[4])), Judged::Good, "but who was revoked");
        say(conn, row, 2, 2, &StateBody::role(user(3), "org.example.patient".into()));
        assert_eq!(judge(&outcome(3, &[9], &[])), Judged::Good, "not in force yet");
        epoch_begins(conn, row, 3);
        assert_eq!(judge(&outcome(3, &[9], &[])), Judged::NotAllowed);
        assert_eq!(
            judge(&outcome(3, &[4], &[])),
            Judged::Good,
            "a device of somebody who is in it"
        );
        assert_eq!(judge(&outcome(3, &[], &[])), Judged::Good, "an update");
    });
}

/// A leaf that was silent goes by anybody's commit, because its user stays; a member without a leaf by those who may remove.
#[test]
fn p6_3_silence_needs_no_right_and_letting_go_does() {
    with_store(1, |conn, row| {
        joined(conn, &me(), row, (Some(user(2)), device(2))).unwrap();
        directory::set_complete_to(conn, user(4), 7).unwrap();
        directory::add(conn, 5, user(4), device(4), b"", true, &[(SUITE, vec![4])]).unwrap();
        let judge = |view: &CommitOutcome, named: &Named| {
            let mut entry = entry(9, 3);
            entry.directory_version = Some(7);
            rights::judge(conn, &me(), row, SUITE, &entry, view, named).unwrap()
        };
        let silent = |n: u8| Named {
            dormant: vec![device(n)],
            ..Named::default()
        };
        assert_eq!(judge(&outcome(3, &[], &[4]), &silent(4)), Judged::Good);
        assert_eq!(judge(&outcome(3, &[], &[4]), &silent(5)), Judged::NotAllowed);
        let gone = Named {
            gone: vec![user(4)],
            ..Named::default()
        };
        assert_eq!(judge(&outcome(3, &[], &[]), &gone), Judged::NotAllowed);
        assert_eq!(judge(&outcome(2, &[], &[]), &gone), Judged::Good, "an admin");
    });
}
