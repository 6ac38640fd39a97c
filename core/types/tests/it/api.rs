//! The JSON bodies of the relay's API: what is written is read again, what a later version adds is passed over.

use curo_types::api::{
    ClaimRequest, CommitBundle, CommitRequest, CursorReport, DirectoryQuery, InboxItem, InboxRecord, MessagesRequest,
    PeopleAnswer, PeopleQuery, PersonRecord, Problem, StreamEvent, SyncAnswer, SyncRequest, TreeAnswer,
    UploadKeyPackages, limits,
};
use curo_types::format::EntryKind;
use curo_types::{Blob, ErrorCode, TenantId, UserId};
use serde_json::{Value, json};

use crate::samples::{samples, sync_answer, welcome};

#[test]
fn every_body_survives_json_and_later_members() {
    assert_eq!(samples().len(), 46);
}

#[test]
fn empty_and_absent_members_are_not_written() {
    let empty = SyncAnswer {
        cursors: Vec::new(),
        receipts: Vec::new(),
        inbox: Vec::new(),
        conversations: Vec::new(),
        key_packages: Vec::new(),
        suites: Vec::new(),
        policy: None,
        ..sync_answer()
    };
    assert_eq!(
        serde_json::to_value(&empty).unwrap(),
        json!({"store": "01".repeat(16), "token": "t", "more": true})
    );
    assert_eq!(
        serde_json::to_value(SyncRequest::default()).unwrap(),
        json!({"inbox_ack": 0})
    );
    assert_eq!(
        serde_json::from_value::<SyncRequest>(json!({})).unwrap(),
        SyncRequest::default()
    );
    assert_eq!(
        serde_json::to_value(Problem::new(ErrorCode::NOT_FOUND)).unwrap(),
        json!({"type": "urn:curo:problem:not_found", "title": "not found", "status": 404, "code": "not_found"})
    );
}

#[test]
fn a_commit_stands_flat_in_its_request_and_each_member_once() {
    let request = json!({"incarnation": 1, "commit": "AQ", "group_info": "Ag", "welcome": "Aw", "later": 7});
    let read: CommitRequest = serde_json::from_value(request).unwrap();
    let bundle = CommitBundle {
        commit: Blob(vec![1]),
        group_info: Blob(vec![2]),
        welcome: Some(Blob(vec![3])),
    };
    assert_eq!(read, CommitRequest::new(1, bundle.clone()));
    assert_eq!(read.into_bundle(), bundle);
    let twice = r#"{"incarnation": 1, "commit": "AQ", "commit": "AQ", "group_info": "Ag"}"#;
    assert!(serde_json::from_str::<CommitRequest>(twice).is_err());
}

#[test]
fn lists_of_requests_do_not_grow_with_the_input() {
    let many = |name: &str, element: Value| {
        let mut value = json!({"incarnation": 1, "suite": 1, "suites": [1], "users": [], "claim": "01".repeat(16)});
        value[name] = vec![element; 5000].into();
        value
    };
    let id = || Value::from("01".repeat(16));
    let read: MessagesRequest = serde_json::from_value(many("messages", "AQ".into())).unwrap();
    assert_eq!(read.messages.len(), limits::MESSAGES_PER_BATCH + 1);
    let read: DirectoryQuery = serde_json::from_value(many("users", id())).unwrap();
    assert_eq!(read.users.len(), limits::USERS_PER_REQUEST + 1);
    let read: ClaimRequest = serde_json::from_value(many("users", id())).unwrap();
    assert_eq!(read.users.len(), limits::USERS_PER_REQUEST + 1);
    let read: ClaimRequest = serde_json::from_value(many("suites", 1.into())).unwrap();
    assert_eq!(read.suites.len(), limits::SUITES + 1);
    let read: PeopleQuery = serde_json::from_value(many("subjects", "s".into())).unwrap();
    assert_eq!(read.subjects.len(), limits::USERS_PER_REQUEST + 1);
    let read: UploadKeyPackages = serde_json::from_value(many("one_time", "AQ".into())).unwrap();
    assert_eq!(read.one_time.len(), limits::KEY_PACKAGES_PER_UPLOAD + 1);
    let cursor = json!({"conversation": id(), "incarnation": 1, "seq": 1});
    let read: SyncRequest = serde_json::from_value(many("cursors", cursor)).unwrap();
    assert_eq!(read.cursors.len(), limits::CURSORS_PER_REQUEST + 1);
}

#[test]
fn p5_7_inbox_items_of_a_later_version_do_not_hide_the_others() {
    let mut answer = serde_json::to_value(sync_answer()).unwrap();
    let later = json!({"index": 3, "item": {"kind": "promoted", "conversation": {"not": "an id"}, "role": [1, 2]}});
    answer["inbox"].as_array_mut().unwrap().insert(1, later);
    let read: SyncAnswer = serde_json::from_str(&answer.to_string()).unwrap();
    assert_eq!(read.inbox.len(), 7);
    assert_eq!(read.inbox[0].item, welcome());
    let unknown = &read.inbox[1];
    assert_eq!((unknown.index, &unknown.item), (3, &InboxItem::Unknown));
    let kept = unknown.later.as_ref().unwrap().as_slice();
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(kept).unwrap()["role"],
        json!([1, 2])
    );
    assert_eq!(InboxRecord::again(3, kept), None, "it stays unknown");
    let known = serde_json::to_vec(&welcome()).unwrap();
    assert_eq!(InboxRecord::again(3, &known), Some(InboxRecord::new(3, welcome())));
    assert!(read.inbox[0].later.is_none());
    let twice = r#"{"index":1,"item":{"kind":"waiting","kind":"waiting"}}"#;
    assert!(serde_json::from_str::<InboxRecord>(twice).is_err());
    assert!(matches!(read.inbox[2].item, InboxItem::Approval { .. }));
    assert!(matches!(read.inbox[3].item, InboxItem::Removed { .. }));
}

#[test]
fn p5_2_stream_events_of_a_later_version_are_passed_over() {
    for line in [
        r#"{"event":"receipts"}"#,
        r#"{"event":"receipts","slots":[{"user":"x"}],"token":7}"#,
        r#"{"slots":[],"event":"receipts"}"#,
    ] {
        assert_eq!(
            serde_json::from_str::<StreamEvent>(line).unwrap(),
            StreamEvent::Unknown,
            "{line}"
        );
    }
    for line in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"token":"t"}"#,
        r#"{"event":null}"#,
        r#"{"event":{"a":1}}"#,
        r#"{"event":"heartbeat"}"#,
        r#"{"event":"heartbeat","token":7}"#,
        r#"{"event":"end","code":"Not A Code"}"#,
        r#"{"event":"sync","token":"t"}"#,
        r#"{"event":"heartbeat","token":"t"} x"#,
    ] {
        assert!(serde_json::from_str::<StreamEvent>(line).is_err(), "{line}");
    }
}

/// The tag may stand anywhere in its object.
#[test]
fn members_come_in_any_order() {
    let text = r#"{"tree_hash":"-_8","welcome":"-_8","h":"0404040404040404040404040404040404040404040404040404040404040404",
        "seq":2,"suite":1,"sender":"06060606060606060606060606060606","directory_version":8,"incarnation":1,
        "group":"02020202020202020202020202020202","conversation":"03030303030303030303030303030303","kind":"welcome"}"#;
    assert_eq!(serde_json::from_str::<InboxItem>(text).unwrap(), welcome());
}

#[test]
fn numbers_ids_and_bytes_have_one_form() {
    let good = json!({"conversation": "03".repeat(16), "incarnation": 1, "seq": 2});
    let read = |value: &Value| serde_json::from_str::<CursorReport>(&value.to_string());
    read(&good).unwrap();
    for (member, bad) in [
        ("seq", json!(-1)),
        ("seq", json!(1.0)),
        ("seq", json!("1")),
        ("seq", json!(18_446_744_073_709_551_616.0)),
        ("conversation", json!("03".repeat(15))),
        ("conversation", json!("03".repeat(17))),
        ("conversation", json!("AB".repeat(16))),
        ("conversation", json!("é".repeat(16))),
        ("conversation", json!([3, 3])),
    ] {
        let mut value = good.clone();
        value[member] = bad;
        assert!(read(&value).is_err(), "{value}");
    }
    let twice = format!(
        r#"{{"conversation":"{}","incarnation":1,"seq":2,"seq":3}}"#,
        "03".repeat(16)
    );
    assert!(serde_json::from_str::<CursorReport>(&twice).is_err());
    for bad in ["St-Mary", "", "-a", "a.b", &"a".repeat(64)] {
        assert!(serde_json::from_value::<TenantId>(json!(bad)).is_err(), "{bad}");
    }
    for bad in ["-_8=", "+/8", "-_9", "-", " "] {
        assert!(
            serde_json::from_value::<TreeAnswer>(json!({"tree": bad})).is_err(),
            "{bad}"
        );
    }
    assert!(serde_json::from_value::<EntryKind>(json!("proposal")).is_err());
}

#[test]
fn codes_of_a_later_version_are_kept_and_no_other_text_passes_as_one() {
    let code: ErrorCode = serde_json::from_value(json!("on_hold")).unwrap();
    assert_eq!((code.as_str(), code.retryable()), ("on_hold", false));
    for (known, ..) in ErrorCode::KNOWN {
        assert_eq!(
            serde_json::from_value::<ErrorCode>(json!(known)).unwrap().as_str(),
            *known
        );
    }
    for bad in [
        "",
        "Offline",
        "a b",
        "a\nb",
        "anna.kim@example.org",
        "é",
        &"a".repeat(65),
    ] {
        assert!(serde_json::from_value::<ErrorCode>(json!(bad)).is_err(), "{bad}");
    }
}

#[test]
fn nothing_nests_without_bound() {
    let deep = format!(
        r#"{{"event":"later","x":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(serde_json::from_str::<StreamEvent>(&deep).is_err());
}

/// What may bear a name or PHI does not show in `Debug`.
#[test]
fn people_and_bodies_are_not_printed() {
    let person = PersonRecord {
        subject: "anna.kim@example.org".to_owned(),
        user: UserId([8; 16]),
    };
    assert!(!format!("{:?}", PeopleAnswer { people: vec![person] }).contains("anna"));
    let query = PeopleQuery {
        subjects: vec!["anna.kim@example.org".to_owned()],
    };
    assert!(!format!("{query:?}").contains("anna"));
    let messages = MessagesRequest {
        incarnation: 1,
        messages: vec![Blob(b"secret".to_vec())],
    };
    let printed = format!("{messages:?}");
    assert!(!printed.contains("115") && printed.contains("6 bytes"), "{printed}");
}
