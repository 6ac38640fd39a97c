//! One value of every JSON body of the API with all its members, each checked when it is made.

use std::fmt::Debug;

use curo_types::api::{
    ApproveDevice, Claim, ClaimAnswer, ClaimRequest, CommitRequest, CreateConversation, CursorReport, DeviceInfo,
    DeviceRefused, DevicesAnswer, DirectoryAnswer, DirectoryQuery, DirectoryRecord, DirectoryReplayed, Duty, DutyOffer,
    DutyRequest, EntriesPage, IncarnationRecord, IncarnationsAnswer, KnownAccount, LeaveAnswer, LeaveRequest, LostLog,
    LostVersions, MessagesAccepted, MessagesRequest, PendingDevice, PeopleAnswer, PeopleQuery, PersonRecord, Problem,
    PutReceipt, ReceiptTaken, RegisterDevice, Registered, ReplayAnswer, ReplayDirectory, ReplayRequest, ReplayStart,
    ReportCommit, ReportReason, Reported, RevokeDevice, SessionAnswer, SessionRequest, StreamEvent, SyncRequest,
    TreeAnswer, UploadKeyPackages,
};
use curo_types::format::LogKeyStatement;
use curo_types::{ClaimId, DeviceId, Digest, ErrorCode, GroupId, StoreId, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

mod parts;

use parts::{
    CONVERSATION, GROUP_INFO, SUITE, accepted, blob, bundle, entry, group_info, pending, policy, stock, tenant, tip,
    winner,
};
pub use parts::{sync_answer, welcome};

/// Writes a value, reads it again, also with members of a later version in every object, and without each of its members.
/// `required` are the members without which it is refused.
fn check<T>(value: &T, required: &[&str]) -> (&'static str, Value)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let name = std::any::type_name::<T>();
    let written = serde_json::to_value(value).unwrap();
    let text = written.to_string();
    assert_eq!(serde_json::from_str::<T>(&text).unwrap(), *value, "{name}");
    let mut later = written.clone();
    add_members(&mut later);
    assert_ne!(later, written);
    assert_eq!(
        serde_json::from_str::<T>(&later.to_string()).unwrap(),
        *value,
        "{name}: unknown members"
    );
    for member in written.as_object().unwrap().keys() {
        let mut less = written.clone();
        less.as_object_mut().unwrap().remove(member);
        let refused = serde_json::from_str::<T>(&less.to_string()).is_err();
        assert_eq!(refused, required.contains(&member.as_str()), "{name} without {member}");
    }
    for member in required.iter().filter(|member| !["kind", "event"].contains(*member)) {
        for wrong in [json!(null), another_type(&written[*member])] {
            let mut bad = written.clone();
            bad[*member] = wrong.clone();
            assert!(
                serde_json::from_str::<T>(&bad.to_string()).is_err(),
                "{name} with {member} = {wrong}"
            );
        }
    }
    (name, written)
}

fn another_type(value: &Value) -> Value {
    match value {
        Value::String(_) | Value::Bool(_) => json!(7),
        Value::Number(_) => json!("7"),
        _ => json!("{}"),
    }
}

fn add_members(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(add_members);
            object.insert(
                "from_a_later_version".to_owned(),
                json!({"deep": [1, null, {"er": 1.5}]}),
            );
        }
        Value::Array(items) => items.iter_mut().for_each(add_members),
        _ => {}
    }
}

/// Every body of the API with all its members, checked.
pub fn samples() -> Vec<(&'static str, Value)> {
    let device = DeviceId([6; 16]);
    let user = UserId([8; 16]);
    let session = SessionAnswer {
        tenant: tenant(),
        user,
        store: StoreId([1; 16]),
        directory_key: Digest([1; 32]),
        log_key: LogKeyStatement {
            tenant: tenant(),
            log_key: Digest([2; 32]),
            signature: blob(),
        },
        suites: vec![SUITE],
        idle_lock_ms: Some(300_000),
        session_limit_ms: Some(28_800_000),
        authenticated_ms_ago: Some(1_000),
        policy: Some(policy()),
        account: Some(blob()),
        lost: vec![LostVersions { after: 4, until: 9 }],
    };
    let create = CreateConversation {
        conversation: CONVERSATION,
        incarnation: 1,
        group: GroupId([2; 16]),
        suite: SUITE,
        group_info: blob(),
        tree: blob(),
        first_commit: bundle(),
        lost: Some(LostLog {
            tip: tip(),
            stands: 1,
            stands_h: Digest([4; 32]),
        }),
    };
    let problem = Problem {
        detail: Some("which rule".to_owned()),
        retry_after_ms: Some(1),
        missing: vec![entry()],
        tip: Some(tip()),
        winner: Some(winner()),
        pending: vec![pending()],
        mandatory: vec![user],
        ..Problem::new(ErrorCode::EPOCH_TAKEN)
    };
    let sync_request = SyncRequest {
        token: Some("t".to_owned()),
        inbox_ack: 3,
        cursors: vec![CursorReport {
            conversation: CONVERSATION,
            incarnation: 1,
            seq: 2,
        }],
    };
    vec![
        check(
            &session,
            &["tenant", "user", "store", "directory_key", "log_key", "suites"],
        ),
        check(
            &SessionRequest {
                account: Some(KnownAccount {
                    user,
                    statement: blob(),
                }),
            },
            &[],
        ),
        check(
            &ReplayDirectory {
                envelopes: vec![blob()],
            },
            &["envelopes"],
        ),
        check(&DirectoryReplayed { appended: 1 }, &["appended"]),
        check(&RegisterDevice { envelope: blob() }, &["envelope"]),
        check(
            &Registered {
                version: 1,
                envelope: blob(),
            },
            &["version", "envelope"],
        ),
        check(&DirectoryQuery { users: vec![user] }, &["users"]),
        check(
            &DirectoryAnswer {
                version: 1,
                records: vec![DirectoryRecord {
                    version: 1,
                    envelope: blob(),
                }],
            },
            &["version", "records"],
        ),
        check(
            &PeopleQuery {
                subjects: vec!["dr-lee".to_owned()],
            },
            &["subjects"],
        ),
        check(
            &PeopleAnswer {
                people: vec![PersonRecord {
                    subject: "dr-lee".to_owned(),
                    user,
                }],
            },
            &["people"],
        ),
        check(
            &UploadKeyPackages {
                replace: true,
                suite: SUITE,
                one_time: vec![blob()],
                last_resort: Some(blob()),
            },
            &["suite", "one_time"],
        ),
        check(&stock(), &["suite", "one_time", "last_resort"]),
        check(
            &ClaimRequest {
                claim: ClaimId([1; 16]),
                suites: vec![SUITE],
                users: vec![user],
            },
            &["claim", "suites", "users"],
        ),
        check(
            &ClaimAnswer {
                directory_version: 1,
                suite: SUITE,
                claims: vec![Claim {
                    user,
                    device,
                    key_package: blob(),
                }],
                missing: vec![user],
                without_suite: vec![user],
            },
            &["directory_version", "suite", "claims", "missing"],
        ),
        check(
            &create,
            &[
                "conversation",
                "incarnation",
                "group",
                "suite",
                "group_info",
                "tree",
                "first_commit",
            ],
        ),
        check(
            &ReportCommit {
                incarnation: 1,
                epoch: 3,
                commit: Digest([5; 32]),
                reason: ReportReason::Unreadable,
            },
            &["incarnation", "epoch", "commit", "reason"],
        ),
        check(&Reported { over: true }, &["over"]),
        check(
            &DutyRequest {
                incarnation: 1,
                duty: Duty::OpenIncarnation,
            },
            &["incarnation", "duty"],
        ),
        check(
            &DutyOffer {
                yours: true,
                for_ms: 30_000,
            },
            &["yours", "for_ms"],
        ),
        check(
            &IncarnationsAnswer {
                incarnations: vec![IncarnationRecord {
                    incarnation: 1,
                    group: GroupId([2; 16]),
                    suite: SUITE,
                    over: Some("commit".to_owned()),
                    stands: Some(7),
                }],
                users: vec![user],
            },
            &["incarnations"],
        ),
        check(
            &CommitRequest::new(1, bundle()),
            &["incarnation", "commit", "group_info"],
        ),
        check(&accepted(), &["intent", "seq", "h", "time_ms", "duplicate"]),
        check(
            &MessagesRequest {
                incarnation: 1,
                messages: vec![blob()],
            },
            &["incarnation", "messages"],
        ),
        check(
            &MessagesAccepted {
                accepted: vec![accepted()],
                tip: tip(),
            },
            &["accepted", "tip"],
        ),
        check(
            &EntriesPage {
                entries: vec![entry()],
                tip: tip(),
                last: Some(tip()),
            },
            &["entries", "tip"],
        ),
        check(
            &ReplayRequest {
                incarnation: 1,
                after: 1,
                after_h: Digest([4; 32]),
                entries: vec![entry()],
                tip: tip(),
                group_info: Some(blob()),
                start: Some(ReplayStart {
                    group: GroupId([9; 16]),
                    suite: SUITE,
                    group_info: blob(),
                    tree: blob(),
                }),
            },
            &["incarnation", "after", "after_h", "entries", "tip"],
        ),
        check(
            &ReplayAnswer {
                appended: 1,
                tip: tip(),
            },
            &["appended", "tip"],
        ),
        check(
            &entry(),
            &[
                "incarnation",
                "seq",
                "kind",
                "epoch",
                "sender",
                "intent",
                "time_ms",
                "body",
                "h",
            ],
        ),
        check(&winner(), &["epoch", "seq", "body_hash", "sender", "intent"]),
        check(
            &PutReceipt {
                incarnation: 1,
                epoch: 1,
                sealed: blob(),
            },
            &["incarnation", "epoch", "sealed"],
        ),
        check(&ReceiptTaken { next_ms: 2_000 }, &["next_ms"]),
        check(&TreeAnswer { tree: blob() }, &["tree"]),
        check(&group_info(), &GROUP_INFO),
        check(&sync_request, &[]),
        check(&sync_answer(), &["store", "token", "more"]),
        check(&StreamEvent::Sync(sync_answer()), &["event", "store", "token", "more"]),
        check(&StreamEvent::Heartbeat { token: "t".to_owned() }, &["event", "token"]),
        check(
            &StreamEvent::End {
                code: ErrorCode::TOKEN_EXPIRED,
            },
            &["event", "code"],
        ),
        check(&LeaveRequest { leave: blob() }, &["leave"]),
        check(&LeaveAnswer { closed: true }, &["closed"]),
        check(&pending(), &["user", "device", "reason"]),
        check(
            &DevicesAnswer {
                devices: vec![DeviceInfo {
                    device,
                    registered_ms: 1,
                    last_seen_ms: 2,
                    revoked: false,
                    current: true,
                }],
                pending: vec![PendingDevice {
                    device,
                    asked_ms: 3,
                    envelope: blob(),
                }],
            },
            &["devices"],
        ),
        check(&ApproveDevice { envelope: blob() }, &["envelope"]),
        check(&DeviceRefused {}, &[]),
        check(&RevokeDevice { envelope: Some(blob()) }, &[]),
        check(&problem, &["type", "title", "status", "code"]),
    ]
}
