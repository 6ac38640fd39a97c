//! The JSON bodies of the relay's API: requests, which the relay reads, and results, which the client reads. An input is the
//! name of a body, a line's end, and the JSON.
//!
//! What is read, written and read again is the same: client and relay, which share these types, understand the same.

use std::fmt::Debug;

use curo_types::api::{
    Accepted, AddKeys, ApproveDevice, ClaimAnswer, ClaimRequest, CommitRequest, CreateConversation, DeviceRefused,
    DevicesAnswer, DirectoryAnswer, DirectoryQuery, DirectoryReplayed, DutyOffer, DutyRequest, EntriesPage,
    GroupInfoAnswer, InboxRecord, IncarnationsAnswer, KeyPackageStock, LeaveAnswer, LeaveRequest, MessagesAccepted,
    MessagesRequest, PeopleAnswer, PeopleQuery, Problem, PushTaken, PutPush, PutReceipt, ReceiptTaken, RegisterDevice,
    Registered, ReplayAnswer, ReplayDirectory, ReplayRequest, ReportCommit, Reported, RevokeDevice, SessionAnswer,
    SessionRequest, StreamEvent, SyncAnswer, SyncRequest, TreeAnswer, UploadKeyPackages, Winner, limits,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::pieces::line;

fn read<T: DeserializeOwned + Serialize + PartialEq + Debug>(json: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(json).ok()?;
    comes_back(&value);
    Some(value)
}

fn comes_back<T: DeserializeOwned + Serialize + PartialEq + Debug>(value: &T) {
    let written = serde_json::to_vec(&value).expect("what was read can be written");
    let again: T = serde_json::from_slice(&written).expect("what was written can be read");
    assert_eq!(again, *value);
}

macro_rules! bodies {
    ($name:expr, $json:expr; $($body:ident),* $(,)?) => {
        match $name {
            $(name if name == stringify!($body).as_bytes() => read::<$body>($json).is_some(),)*
            _ => false,
        }
    };
}

/// What the relay reads. A list is kept only as far as it shows that it is too long.
pub(crate) fn requests(bytes: &[u8]) -> bool {
    let (name, json) = line(bytes);
    match name {
        b"MessagesRequest" => {
            read::<MessagesRequest>(json).is_some_and(|read| within(read.messages.len(), limits::MESSAGES_PER_BATCH))
        }
        b"ReplayRequest" => {
            read::<ReplayRequest>(json).is_some_and(|read| within(read.entries.len(), limits::REPLAY_ENTRIES))
        }
        b"DirectoryQuery" => {
            read::<DirectoryQuery>(json).is_some_and(|read| within(read.users.len(), limits::USERS_PER_REQUEST))
        }
        b"PeopleQuery" => {
            read::<PeopleQuery>(json).is_some_and(|read| within(read.subjects.len(), limits::USERS_PER_REQUEST))
        }
        b"ClaimRequest" => read::<ClaimRequest>(json).is_some_and(|read| {
            within(read.users.len(), limits::USERS_PER_REQUEST) && within(read.suites.len(), limits::SUITES)
        }),
        b"UploadKeyPackages" => read::<UploadKeyPackages>(json)
            .is_some_and(|read| within(read.one_time.len(), limits::KEY_PACKAGES_PER_UPLOAD)),
        _ => bodies!(name, json;
            AddKeys, ApproveDevice, CommitRequest, CreateConversation, DutyRequest, LeaveRequest, PutPush, PutReceipt,
            RegisterDevice, ReplayDirectory, ReportCommit, RevokeDevice, SessionRequest, SyncRequest,
        ),
    }
}

fn within(kept: usize, limit: usize) -> bool {
    assert!(kept <= limit + 1, "{kept} kept where {limit} are allowed");
    true
}

/// What the client reads.
pub(crate) fn results(bytes: &[u8]) -> bool {
    let (name, json) = line(bytes);
    match name {
        b"InboxRecord" => return serde_json::from_slice(json).is_ok_and(|record| inbox(&[record])),
        b"SyncAnswer" => return serde_json::from_slice(json).is_ok_and(answered),
        b"StreamEvent" => {
            if let Ok(StreamEvent::Sync(answer)) = serde_json::from_slice(json) {
                return answered(answer);
            }
        }
        _ => {}
    }
    bodies!(name, json;
        Accepted, ClaimAnswer, DeviceRefused, DevicesAnswer, DirectoryAnswer, DirectoryReplayed, DutyOffer, EntriesPage,
        GroupInfoAnswer, IncarnationsAnswer, KeyPackageStock, LeaveAnswer, MessagesAccepted, PeopleAnswer, Problem,
        PushTaken, ReceiptTaken, Registered, ReplayAnswer, Reported, SessionAnswer, StreamEvent, TreeAnswer, Winner,
    )
}

fn answered(mut answer: SyncAnswer) -> bool {
    inbox(&answer.inbox);
    answer.inbox.retain(|record| record.later.is_none());
    comes_back(&answer);
    true
}

/// What is not understood is kept for a later version, which alone can write it again.
fn inbox(records: &[InboxRecord]) -> bool {
    for record in records {
        match &record.later {
            Some(later) => assert_eq!(InboxRecord::again(record.index, later.as_slice()), None),
            None => comes_back(record),
        }
    }
    true
}
