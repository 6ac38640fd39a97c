//! Named points at the client's durable steps, where a test may stop the process (feature `failpoints`).
//!
//! Each stands right before or right after something becomes durable or is sent. All are listed here; a test checks that
//! each one is reached.

/// Declares points and the list of them.
macro_rules! points {
    ($(#[$about:meta])* $list:ident: $($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $text;)*

        $(#[$about])*
        pub const $list: &[&str] = &[$($name),*];
    };
}

points! {
    /// What ends a profile, and is not passed by who goes on.
    ENDING:
    /// A sign-out can only go on; nothing is erased yet.
    SIGN_OUT_MARKED = "client.sign_out.marked";
}

points! {
    /// Every point that the ordinary work of a client passes.
    ALL:
    /// The account, its keys and the envelope are durable; nothing was sent.
    REGISTER_BEFORE_SEND = "client.register.before_send";
    /// The relay has answered: it has registered the device, or noted that it waits for an approval. That is not durable here.
    REGISTER_AFTER_SEND = "client.register.after_send";
    /// Keys of further suites and the envelope that adds them are durable; nothing was sent.
    KEYS_BEFORE_SEND = "client.keys.before_send";
    /// The relay has added the keys; that is not durable here.
    KEYS_AFTER_SEND = "client.keys.after_send";
    /// KeyPackages are durable; nothing was sent.
    KEY_PACKAGES_BEFORE_SEND = "client.key_packages.before_send";
    /// The relay has the KeyPackages; that is not durable here.
    KEY_PACKAGES_AFTER_SEND = "client.key_packages.after_send";
    /// An intent is durable.
    INTENT_QUEUED = "client.intent.queued";
    /// A push registration is durable; nothing was sent.
    PUSH_BEFORE_SEND = "client.push.before_send";
    /// The relay has the push registration; that is not durable here.
    PUSH_AFTER_SEND = "client.push.after_send";
    /// It is durable that the relay's push registration may be gone; the relay was not told to end it.
    PUSH_END_BEFORE_SEND = "client.push_end.before_send";
    /// The relay has ended the push registration; that is not durable here.
    PUSH_END_AFTER_SEND = "client.push_end.after_send";
    /// A waiting device's approval is signed, or it is to be refused; nothing was sent.
    APPROVAL_BEFORE_SEND = "client.approval.before_send";
    /// The relay has let the device in, or refuses it; that is not durable here.
    APPROVAL_AFTER_SEND = "client.approval.after_send";
    /// A claim's id is durable; nothing was sent.
    CLAIM_BEFORE_SEND = "client.claim.before_send";
    /// The relay has answered the claim; nothing of it is durable here.
    CLAIM_AFTER_SEND = "client.claim.after_send";
    /// Messages are encrypted and durable; nothing was sent.
    MESSAGES_BEFORE_SEND = "client.messages.before_send";
    /// The relay has answered; that is not durable here.
    MESSAGES_AFTER_SEND = "client.messages.after_send";
    /// The answer is durable.
    MESSAGES_SETTLED = "client.messages.settled";
    /// A commit is prepared and durable; nothing was sent.
    COMMIT_BEFORE_SEND = "client.commit.before_send";
    /// The relay has answered; that is not durable here.
    COMMIT_AFTER_SEND = "client.commit.after_send";
    /// The answer is durable.
    COMMIT_SETTLED = "client.commit.settled";
    /// An external commit is prepared and durable; nothing was sent.
    REJOIN_BEFORE_SEND = "client.rejoin.before_send";
    /// The relay has answered it; that is not durable here.
    REJOIN_AFTER_SEND = "client.rejoin.after_send";
    /// What it leads to is applied and durable.
    REJOINED = "client.rejoin.applied";
    /// A request to leave is durable; nothing was sent.
    LEAVE_BEFORE_SEND = "client.leave.before_send";
    /// The relay has answered; that is not durable here.
    LEAVE_AFTER_SEND = "client.leave.after_send";
    /// It is durable that a commit cannot be processed here; nobody was told.
    REPORT_BEFORE_SEND = "client.renewal.report_before_send";
    /// The relay has noted the report; that is not durable here.
    REPORT_AFTER_SEND = "client.renewal.report_after_send";
    /// An incarnation is left and the creation of the next is queued, both durable; nothing was sent.
    RENEWAL_BEGUN = "client.renewal.begun";
    /// What did not stand is queued again, durably.
    RESENT = "client.renewal.resent";
    /// The relay's new store is taken, durably; every conversation stands still.
    STORE_ADOPTED = "client.recovery.store_adopted";
    /// The restored relay was offered what it has lost of its directory; nothing of it is durable here.
    DIRECTORY_OFFERED = "client.recovery.directory_offered";
    /// The account is in step with the store that was taken, durably; no conversation is compared.
    STORE_SETTLED = "client.recovery.store_settled";
    /// Lost entries are about to be offered.
    REPLAY_BEFORE_SEND = "client.recovery.replay_before_send";
    /// The relay has answered; nothing of it is durable here.
    REPLAY_AFTER_SEND = "client.recovery.replay_after_send";
    /// A conversation is found to be in step with the restored relay, durably.
    LOG_COMPARED = "client.recovery.compared";
    /// It is durable that a log is lost, with the proof; nobody was told.
    LOSS_PROVEN = "client.recovery.loss_proven";
    /// A sync answer is here; nothing of it is applied.
    SYNC_RECEIVED = "client.sync.received";
    /// A batch of entries is applied and durable; the token is not.
    ENTRIES_APPLIED = "client.sync.entries_applied";
    /// A conversation is joined and durable; its inbox item is not acknowledged to the relay.
    JOINED = "client.sync.joined";
    /// The read mark has moved, and what others are to be told of it is owed, both durable; nothing was sent.
    READ_MARK_MOVED = "client.receipt.owed";
    /// A read receipt is sealed; nothing was sent.
    RECEIPT_BEFORE_SEND = "client.receipt.before_send";
    /// The relay has answered it; that is not durable here.
    RECEIPT_AFTER_SEND = "client.receipt.after_send";
    /// The token is durable.
    TOKEN_STORED = "client.sync.token_stored";
    /// The relay has taken cursors; that is not durable here.
    CURSORS_REPORTED = "client.sync.cursors_reported";
}

/// Stops here if a test asked for it; nothing without the feature.
pub(crate) fn hit(name: &'static str) {
    fail::fail_point!(name);
    let _ = name;
}
