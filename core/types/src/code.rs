//! The stable error codes that relay and client share.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// A stable, machine-readable error code: an open set, so that an old client keeps a code that it does not know.
///
/// Codes never carry PHI. The relay sends them in problem documents (RFC 9457), the client in its public error.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct ErrorCode(Cow<'static, str>);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $retryable:literal;)*) => {
        impl ErrorCode {
            $($(#[$doc])* pub const $name: Self = Self(Cow::Borrowed($text));)*

            /// All codes that this version knows: (code, HTTP status that the relay sends with it or 0 where only the
            /// client uses it, retryable without the user's help).
            pub const KNOWN: &'static [(&'static str, u16, bool)] = &[$(($text, $status, $retryable)),*];
        }
    };
}

codes! {
    /// The request carries no valid access token (RFC 9068).
    UNAUTHENTICATED = "unauthenticated", 401, false;
    /// The access token has expired: get a fresh one and send the same request again.
    TOKEN_EXPIRED = "token_expired", 401, true;
    /// The caller may not do this.
    FORBIDDEN = "forbidden", 403, false;
    /// The device is not in the directory, or belongs to another user.
    UNKNOWN_DEVICE = "unknown_device", 403, false;
    /// The device has been revoked.
    DEVICE_REVOKED = "device_revoked", 403, false;
    /// Another device of the user must approve this one first.
    APPROVAL_PENDING = "approval_pending", 403, true;
    /// The device has no leaf in this conversation, or the conversation does not exist: the two look alike on purpose.
    NOT_A_MEMBER = "not_a_member", 403, false;
    /// The device was removed from the conversation; its log is served up to the removal.
    REMOVED = "removed", 403, false;
    /// Somebody has left or was revoked: nothing is accepted until a commit removes all leaves that the answer names.
    REMOVAL_PENDING = "removal_pending", 409, true;
    /// The tenant's policy wants a user in every conversation: nobody may remove them or leave them out, and they do not leave.
    MANDATORY_MEMBER = "mandatory_member", 409, false;
    /// The tenant has as many conversations, devices or bytes as the operator allows; the detail says which.
    QUOTA_EXCEEDED = "quota_exceeded", 403, false;
    /// No such path or thing.
    NOT_FOUND = "not_found", 404, false;
    /// The path exists, the method does not.
    METHOD_NOT_ALLOWED = "method_not_allowed", 405, false;
    /// The message was made in an epoch that is not the current one; the answer brings the missing entries.
    STALE_EPOCH = "stale_epoch", 409, true;
    /// The message's counter is not the last accepted one plus one.
    STALE_COUNTER = "stale_counter", 409, false;
    /// Another commit won the epoch; the answer names it and brings the missing entries.
    EPOCH_TAKEN = "epoch_taken", 409, true;
    /// The conversation has gone on in another incarnation, or already exists.
    INCARNATION_CHANGED = "incarnation_changed", 409, false;
    /// The incarnation is over and takes nothing more; the next one is not open yet.
    INCARNATION_OVER = "incarnation_over", 409, false;
    /// Another device has the commit turn: wait for `retry_after_ms`.
    NOT_YOUR_TURN = "not_your_turn", 429, true;
    /// A device that the commit adds or updates changed after the directory version that the commit names.
    DIRECTORY_CHANGED = "directory_changed", 409, true;
    /// The same intent id came with other bytes.
    INTENT_REUSED = "intent_reused", 409, false;
    /// The sync token or cursor is of another store: the relay was restored from a backup.
    STORE_CHANGED = "store_changed", 409, false;
    /// The log goes on otherwise than the entries that were offered: both the relay and a member have what the other lacks.
    LOG_DIVERGED = "log_diverged", 409, false;
    /// The tip is not signed by this relay's log key: what it stands for cannot be taken back.
    TIP_NOT_OURS = "tip_not_ours", 422, false;
    /// The device id or key is taken.
    DEVICE_EXISTS = "device_exists", 409, false;
    /// The body of a wanted entry is no longer kept.
    BODY_GONE = "body_gone", 410, false;
    /// The request is not well formed.
    MALFORMED = "malformed", 400, false;
    /// The request speaks a version that the relay does not.
    UNSUPPORTED_VERSION = "unsupported_version", 400, false;
    /// The relay serves this version of the client no longer: only an update of the app helps.
    UPDATE_REQUIRED = "update_required", 426, false;
    /// A body, batch or list is over its limit.
    TOO_LARGE = "too_large", 413, false;
    /// The media type is not `application/json`.
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type", 415, false;
    /// An MLS message or a KeyPackage breaks a rule; the detail names the rule.
    REFUSED = "refused", 422, false;
    /// Over a rate limit: wait for `retry_after_ms`.
    RATE_LIMITED = "rate_limited", 429, true;
    /// A fault of the relay.
    INTERNAL = "internal", 500, true;
    /// The relay cannot serve at the moment (starting, stopping, its storage busy).
    UNAVAILABLE = "unavailable", 503, true;
    /// The request took longer than the relay allows.
    TIMEOUT = "timeout", 408, true;

    /// The relay cannot be reached.
    OFFLINE = "offline", 0, true;
    /// Something else than the relay has answered over the relay's connection: a page or a redirect, as captive portals and
    /// filters send them. None of it is taken as the relay's word.
    CAPTIVE_PORTAL = "captive_portal", 0, true;
    /// No trusted TLS connection comes about: the certificate does not verify, or what answers does not speak TLS. Nothing
    /// was sent.
    TLS_FAILED = "tls_failed", 0, true;
    /// The certificate verifies, but its public key is none of the pinned ones. Nothing was sent.
    PIN_MISMATCH = "pin_mismatch", 0, true;
    /// The relay answered something that is not the protocol, or that fails verification.
    BAD_RELAY = "bad_relay", 0, false;
    /// The client is not signed in, or the token provider gave no token.
    SIGN_IN_NEEDED = "sign_in_needed", 0, false;
    /// The token is of another user or tenant than the profile is bound to.
    WRONG_ACCOUNT = "wrong_account", 0, false;
    /// The store is locked.
    LOCKED = "locked", 0, false;
    /// The client is closed.
    CLOSED = "closed", 0, false;
    /// Another process or client uses the store.
    BUSY = "busy", 0, true;
    /// There is no store, or its key is gone.
    STORE_MISSING = "store_missing", 0, false;
    /// The store is not readable: foreign, corrupt or opened with a wrong key.
    STORE_UNREADABLE = "store_unreadable", 0, false;
    /// The store was written by a newer version.
    STORE_NEWER = "store_newer", 0, false;
    /// No space on the device.
    STORAGE_FULL = "storage_full", 0, true;
    /// The key vault is not ready, for example before the first unlock.
    VAULT_NOT_READY = "vault_not_ready", 0, true;
    /// The key vault wants the user's presence.
    VAULT_USER_AUTH_NEEDED = "vault_user_auth_needed", 0, false;
    /// A person has no device that could join.
    NO_DEVICE = "no_device", 0, false;
    /// No device of a person can run the conversation's cipher suite, or people have no suite in common.
    NO_COMMON_SUITE = "no_common_suite", 0, false;
    /// The conversation cannot go on until it is rejoined, which the client does by itself.
    REJOIN_NEEDED = "rejoin_needed", 0, false;
    /// Rejoining the conversation did not help, again and again.
    REJOIN_FAILED = "rejoin_failed", 0, false;
    /// A member's key was never published in the directory: nothing is sent to this conversation.
    KEY_MISMATCH = "key_mismatch", 0, false;
    /// A direct conversation has somebody else in it: nothing is sent.
    NOT_DIRECT = "not_direct", 0, false;
    /// A role does not allow it: this user's, or that of whoever made a commit, which then freezes the conversation.
    NOT_ALLOWED = "not_allowed", 0, false;
    /// No such conversation, message or person.
    UNKNOWN = "unknown", 0, false;
    /// An argument is outside its limits.
    INVALID_ARGUMENT = "invalid_argument", 0, false;
    /// The intent was cancelled by the user.
    CANCELLED = "cancelled", 0, false;
}

impl ErrorCode {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the same thing may succeed later without the user's help. Unknown codes are not retryable.
    pub fn retryable(&self) -> bool {
        self.known().is_some_and(|(_, _, retryable)| *retryable)
    }

    /// The HTTP status that the relay sends with this code; 500 for codes that the relay never sends.
    pub fn status(&self) -> u16 {
        self.known()
            .map_or(500, |(_, status, _)| if *status == 0 { 500 } else { *status })
    }

    fn known(&self) -> Option<&'static (&'static str, u16, bool)> {
        Self::KNOWN.iter().find(|(code, ..)| *code == self.0)
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    /// Takes what a code may be, 1 to 64 characters of `a-z`, `0-9` and `_`: codes are logged, so a relay must not put more into one.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        let alphabet = code
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if alphabet && (1..=64).contains(&code.len()) {
            Ok(Self::from(code))
        } else {
            Err(serde::de::Error::custom("not an error code"))
        }
    }
}

impl From<String> for ErrorCode {
    fn from(code: String) -> Self {
        Self(Cow::Owned(code))
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ErrorCode({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_unknown_ones_are_kept() {
        let mut codes: Vec<_> = ErrorCode::KNOWN.iter().map(|(code, ..)| *code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ErrorCode::KNOWN.len());
        let later = ErrorCode::from("from_the_future".to_owned());
        assert_eq!(
            (later.as_str(), later.retryable(), later.status()),
            ("from_the_future", false, 500)
        );
        assert!(ErrorCode::STALE_EPOCH.retryable());
    }
}
