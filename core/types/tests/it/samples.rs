//! One value of every JSON body of the API with all its members, each checked when it is made.

use std::fmt::Debug;

use curo_types::api::{
    Accepted, ApproveDevice, Claim, ClaimAnswer, ClaimRequest, CommitBundle, CommitRequest, ConversationNews,
    CreateConversation, CursorReport, DeviceInfo, DeviceRefused, DevicesAnswer, DirectoryAnswer, DirectoryQuery,
    DirectoryRecord, DirectoryReplayed, Duty, DutyOffer, DutyRequest, EntriesPage, EntryRecord, GroupInfoAnswer,
    InboxItem, InboxRecord, IncarnationRecord, IncarnationsAnswer, KeyPackageStock, KnownAccount, LeaveAnswer,
    LeaveRequest, LostLog, LostVersions, MemberCursor, MemberReceipt, MessagesAccepted, MessagesRequest, PendingDevice,
    PendingReason, PendingRemoval, PeopleAnswer, PeopleQuery, PersonRecord, Problem, PutReceipt, ReceiptTaken,
    RegisterDevice, Registered, ReplayAnswer, ReplayDirectory, ReplayRequest, ReplayStart, ReportCommit, ReportReason,
    Reported, RevokeDevice, SessionAnswer, SessionRequest, StreamEvent, SyncAnswer, SyncRequest, TenantPolicy,
    TreeAnswer, UploadKeyPackages, Winner,
};
use curo_types::format::{EntryKind, LogKeyStatement, SignedTip};
use curo_types::{
    Blob, ClaimId, ConversationId, DeviceId, Digest, ErrorCode, GroupId, IntentId, StoreId, SuiteId, TenantId, UserId,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub const SUITE: SuiteId = SuiteId::MLS_128_X25519_AES128GCM_SHA256_ED25519;
pub const CONVERSATION: ConversationId = ConversationId([3; 16]);

fn tenant() -> TenantId {
    "st-mary".parse().unwrap()
}

fn blob() -> Blob {
    Blob(vec![0xfb, 0xff])
}

fn tip() -> SignedTip {
    SignedTip {
        store: StoreId([1; 16]),
        tenant: tenant(),
        conversation: CONVERSATION,
        incarnation: 1,
        seq: 2,
        h: Digest([4; 32]),
        time_ms: 1_767_225_600_000,
        signature: Blob(vec![5; 64]),
    }
}

fn entry() -> EntryRecord {
    EntryRecord {
        incarnation: 1,
        seq: 2,
        kind: EntryKind::Commit,
        epoch: 1,
        sender: DeviceId([6; 16]),
        intent: IntentId([7; 16]),
        directory_version: Some(8),
        time_ms: u64::MAX,
        body: blob(),
        h: Digest([4; 32]),
        leaves: vec![blob()],
    }
}

fn pending() -> PendingRemoval {
    PendingRemoval {
        user: UserId([8; 16]),
        device: DeviceId([6; 16]),
        reason: PendingReason::Left,
        leave: Some(blob()),
        version: Some(8),
    }
}

fn accepted() -> Accepted {
    Accepted {
        intent: IntentId([7; 16]),
        seq: 2,
        h: Digest([4; 32]),
        time_ms: 9,
        directory_version: Some(8),
        duplicate: true,
    }
}

fn bundle() -> CommitBundle {
    CommitBundle {
        commit: blob(),
        group_info: blob(),
        welcome: Some(blob()),
    }
}

fn winner() -> Winner {
    Winner {
        epoch: 1,
        seq: 2,
        body_hash: Digest([9; 32]),
        sender: DeviceId([6; 16]),
        intent: IntentId([7; 16]),
    }
}

const GROUP_INFO: [&str; 10] = [
    "incarnation",
    "group",
    "suite",
    "epoch",
    "group_info",
    "tree",
    "directory_version",
    "counter",
    "kept_from",
    "tip",
];

fn group_info() -> GroupInfoAnswer {
    GroupInfoAnswer {
        incarnation: 1,
        group: GroupId([2; 16]),
        suite: SUITE,
        epoch: 4,
        group_info: blob(),
        tree: blob(),
        directory_version: 8,
        counter: 5,
        kept_from: 1,
        tip: tip(),
    }
}

fn stock() -> KeyPackageStock {
    KeyPackageStock {
        suite: SUITE,
        one_time: 50,
        last_resort: true,
    }
}

pub fn welcome() -> InboxItem {
    InboxItem::Welcome {
        conversation: CONVERSATION,
        incarnation: 1,
        group: GroupId([2; 16]),
        suite: SUITE,
        seq: 2,
        h: Digest([4; 32]),
        directory_version: 8,
        sender: DeviceId([6; 16]),
        tree_hash: blob(),
        welcome: blob(),
    }
}

pub fn policy() -> TenantPolicy {
    TenantPolicy {
        mandatory: vec![UserId([8; 16])],
        approval_since: Some(7),
        purge_removed: true,
    }
}

pub fn sync_answer() -> SyncAnswer {
    SyncAnswer {
        store: StoreId([1; 16]),
        token: "t".to_owned(),
        more: true,
        cursors: vec![MemberCursor {
            conversation: CONVERSATION,
            incarnation: 1,
            user: UserId([8; 16]),
            device: DeviceId([6; 16]),
            seq: 2,
        }],
        receipts: vec![MemberReceipt {
            conversation: CONVERSATION,
            incarnation: 1,
            device: DeviceId([6; 16]),
            epoch: 1,
            sealed: blob(),
        }],
        inbox: vec![
            InboxRecord::new(1, welcome()),
            InboxRecord::new(
                9,
                InboxItem::Approval {
                    device: DeviceId([7; 16]),
                },
            ),
            InboxRecord::new(
                2,
                InboxItem::Removed {
                    conversation: CONVERSATION,
                    incarnation: 1,
                    seq: 3,
                },
            ),
            InboxRecord::new(
                3,
                InboxItem::Left {
                    conversation: CONVERSATION,
                    incarnation: 1,
                },
            ),
            InboxRecord::new(
                4,
                InboxItem::Device {
                    device: DeviceId([6; 16]),
                    version: 8,
                },
            ),
            InboxRecord::new(
                5,
                InboxItem::Waiting {
                    conversation: CONVERSATION,
                    incarnation: 1,
                },
            ),
        ],
        conversations: vec![ConversationNews {
            conversation: CONVERSATION,
            entries: vec![entry()],
            tip: tip(),
            last: Some(tip()),
        }],
        key_packages: vec![stock()],
        suites: vec![SUITE],
        policy: Some(Box::new(policy())),
    }
}

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
