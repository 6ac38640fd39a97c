//! What several bodies of the API are made of.

use curo_types::api::{
    Accepted, CommitBundle, ConversationNews, EntryRecord, GroupInfoAnswer, InboxItem, InboxRecord, KeyPackageStock,
    MemberCursor, MemberReceipt, PendingReason, PendingRemoval, SyncAnswer, TenantPolicy, Winner,
};
use curo_types::format::{EntryKind, SignedTip};
use curo_types::{Blob, ConversationId, DeviceId, Digest, GroupId, IntentId, StoreId, SuiteId, TenantId, UserId};

pub const SUITE: SuiteId = SuiteId::MLS_128_X25519_AES128GCM_SHA256_ED25519;
pub const CONVERSATION: ConversationId = ConversationId([3; 16]);

pub(super) fn tenant() -> TenantId {
    "st-mary".parse().unwrap()
}

pub(super) fn blob() -> Blob {
    Blob(vec![0xfb, 0xff])
}

pub(super) fn tip() -> SignedTip {
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

pub(super) fn entry() -> EntryRecord {
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

pub(super) fn pending() -> PendingRemoval {
    PendingRemoval {
        user: UserId([8; 16]),
        device: DeviceId([6; 16]),
        reason: PendingReason::Left,
        leave: Some(blob()),
        version: Some(8),
    }
}

pub(super) fn accepted() -> Accepted {
    Accepted {
        intent: IntentId([7; 16]),
        seq: 2,
        h: Digest([4; 32]),
        time_ms: 9,
        directory_version: Some(8),
        duplicate: true,
    }
}

pub(super) fn bundle() -> CommitBundle {
    CommitBundle {
        commit: blob(),
        group_info: blob(),
        welcome: Some(blob()),
    }
}

pub(super) fn winner() -> Winner {
    Winner {
        epoch: 1,
        seq: 2,
        body_hash: Digest([9; 32]),
        sender: DeviceId([6; 16]),
        intent: IntentId([7; 16]),
    }
}

pub(super) const GROUP_INFO: [&str; 10] = [
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

pub(super) fn group_info() -> GroupInfoAnswer {
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

pub(super) fn stock() -> KeyPackageStock {
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
