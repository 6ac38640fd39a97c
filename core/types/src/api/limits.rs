//! Limits that both sides keep. A relay refuses what exceeds them with `too_large`.

/// Messages in one request.
pub const MESSAGES_PER_BATCH: usize = 256;
/// Bytes of message bodies in one request.
pub const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of one MLS application message: 1 MiB of content, padding and framing.
pub const MESSAGE_BYTES: usize = 1024 * 1024 + 64 * 1024;
/// Bytes of one commit.
pub const COMMIT_BYTES: usize = 1024 * 1024;
/// Bytes of one Welcome.
pub const WELCOME_BYTES: usize = 1024 * 1024;
/// Bytes of one GroupInfo.
pub const GROUP_INFO_BYTES: usize = 64 * 1024;
/// Bytes of one KeyPackage.
pub const KEY_PACKAGE_BYTES: usize = 4 * 1024;
/// KeyPackages in one upload.
pub const KEY_PACKAGES_PER_UPLOAD: usize = 100;
/// One-time KeyPackages that the relay keeps for a device and suite.
pub const KEY_PACKAGES_PER_DEVICE: usize = 200;
/// Users in one claim, one directory query or one look-up.
pub const USERS_PER_REQUEST: usize = 250;
/// Suites in one claim, and of one device.
pub const SUITES: usize = 8;
/// Leaves of one conversation.
pub const LEAVES: usize = 1000;
/// Entries in one page or one sync answer.
pub const ENTRIES_PER_PAGE: usize = 512;
/// Bytes of entry bodies in one page or one sync answer (one entry may exceed it alone).
pub const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// Entries in one replay of what a restored relay has lost.
pub const REPLAY_ENTRIES: usize = 1024;
/// Directory envelopes in one replay of what a restored relay has lost.
pub const REPLAY_ENVELOPES: usize = 64;
/// Inbox items in one sync answer.
pub const INBOX_PER_PAGE: usize = 64;
/// Cursor reports in one request.
pub const CURSORS_PER_REQUEST: usize = 1000;
/// Leaves of one user.
pub const DEVICES_PER_USER: usize = 10;
/// Users whom a tenant's policy puts into every conversation.
pub const MANDATORY_MEMBERS: usize = 8;
/// Bytes of one sealed read receipt.
pub const RECEIPT_BYTES: usize = 256;
/// Characters of a push target.
pub const PUSH_TARGET_BYTES: usize = 512;
/// Milliseconds between two read receipts of a device in one conversation, at least.
pub const RECEIPT_INTERVAL_MS: u64 = 2_000;
/// Members up to which read receipts are sent without being asked for.
pub const RECEIPTS_UNASKED: usize = 32;
/// Seconds between heartbeats of the live stream, at most.
pub const HEARTBEAT_SECONDS: u64 = 15;
/// Bytes of any request body: a full batch in base64 with its JSON.
pub const REQUEST_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of any answer or stream line that a client accepts.
pub const ANSWER_BYTES: usize = 32 * 1024 * 1024;
