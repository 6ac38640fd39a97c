//! The names of the fail points: steps at which tests stop, kill or fail the relay. Without the feature `failpoints` they cost
//! nothing and do nothing.
//!
//! `before_…` stands before anything is durable, `after_…` when it is durable and the answer has not left yet. The action
//! `return` makes the step fail with [`StorageError::Retry`].

use crate::storage::StorageError;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $text;)*

        /// All of them.
        pub const ALL: &[&str] = &[$($text),*];
    };
}

names! {
    /// Before messages are appended.
    MESSAGE_BEFORE_ACCEPT = "relay.message.before_accept";
    /// Messages are durable, the sender does not know yet.
    MESSAGE_AFTER_ACCEPT = "relay.message.after_accept";
    /// Before a commit's compare-and-set.
    COMMIT_BEFORE_ACCEPT = "relay.commit.before_accept";
    /// A commit has won durably, the sender does not know yet.
    COMMIT_AFTER_ACCEPT = "relay.commit.after_accept";
    /// Before a conversation is created.
    CREATE_BEFORE_ACCEPT = "relay.create.before_accept";
    /// A conversation exists durably, its creator does not know yet.
    CREATE_AFTER_ACCEPT = "relay.create.after_accept";
    /// Before a report of a commit is noted.
    REPORT_BEFORE_ACCEPT = "relay.report.before_accept";
    /// A report is durable, and with it perhaps the end of an incarnation; the member does not know yet.
    REPORT_AFTER_ACCEPT = "relay.report.after_accept";
    /// Before entries that the store has lost are appended again.
    REPLAY_BEFORE_ACCEPT = "relay.replay.before_accept";
    /// They stand again durably, the member does not know yet.
    REPLAY_AFTER_ACCEPT = "relay.replay.after_accept";
    /// Before KeyPackages are claimed.
    CLAIM_BEFORE_ACCEPT = "relay.claim.before_accept";
    /// KeyPackages are claimed durably, the claimer does not know yet.
    CLAIM_AFTER_ACCEPT = "relay.claim.after_accept";
    /// Before KeyPackages are stored.
    UPLOAD_BEFORE_ACCEPT = "relay.upload.before_accept";
    /// KeyPackages are durable, the device does not know yet.
    UPLOAD_AFTER_ACCEPT = "relay.upload.after_accept";
    /// Before the directory changes.
    DEVICE_BEFORE_ACCEPT = "relay.device.before_accept";
    /// The directory has changed durably, the device does not know yet.
    DEVICE_AFTER_ACCEPT = "relay.device.after_accept";
    /// Before a device is noted that waits for an approval.
    APPROVAL_BEFORE_ACCEPT = "relay.approval.before_accept";
    /// It waits durably, and does not know yet.
    APPROVAL_AFTER_ACCEPT = "relay.approval.after_accept";
    /// Before a read receipt is stored.
    RECEIPT_BEFORE_ACCEPT = "relay.receipt.before_accept";
    /// A read receipt is durable, the device does not know yet.
    RECEIPT_AFTER_ACCEPT = "relay.receipt.after_accept";
    /// Before a request to leave is taken.
    LEAVE_BEFORE_ACCEPT = "relay.leave.before_accept";
    /// The user is out durably, the device does not know yet.
    LEAVE_AFTER_ACCEPT = "relay.leave.after_accept";
    /// Before a push registration is stored or taken away.
    PUSH_BEFORE_ACCEPT = "relay.push.before_accept";
    /// A push registration is durable, the device does not know yet.
    PUSH_AFTER_ACCEPT = "relay.push.after_accept";
    /// Before a push goes to the gateway.
    PUSH_BEFORE_SEND = "relay.push.before_send";
    /// The gateway has answered.
    PUSH_AFTER_SEND = "relay.push.after_send";
    /// The gateway has said that an installation is gone; its registration is still there.
    PUSH_BEFORE_FORGET = "relay.push.before_forget";
    /// The registration is gone durably.
    PUSH_AFTER_FORGET = "relay.push.after_forget";
    /// A loaded group state has given way to another one; all that it stands for is durable.
    GROUP_EVICTED = "relay.group.evicted";
    /// Before a batch of old bodies is dropped.
    BODIES_BEFORE_DROP = "relay.bodies.before_drop";
    /// A batch of old bodies is gone durably, and there may be more.
    BODIES_AFTER_DROP = "relay.bodies.after_drop";
    /// Before leaves of silent devices are marked.
    SILENCE_BEFORE_MARK = "relay.silence.before_mark";
    /// A page of leaves of silent devices is marked durably, and there may be more.
    SILENCE_AFTER_MARK = "relay.silence.after_mark";
    /// Before inbox items are forgotten and cursors moved.
    SYNC_BEFORE_ACK = "relay.sync.before_ack";
    /// Inbox items are forgotten and cursors moved durably, the answer has not been read yet.
    SYNC_AFTER_ACK = "relay.sync.after_ack";
}

/// Passes a fail point.
pub(crate) fn pass(name: &'static str) -> Result<(), StorageError> {
    fail::fail_point!(name, |_| Err(StorageError::Retry));
    // Without the feature the macro takes no notice of the name.
    let _ = name;
    Ok(())
}
