/// A stable, machine-readable error code. The set is open: later versions of the library and of the relay add codes, so a
/// `switch` over them needs a `default`, and an unknown code is decided by ``CuroError/retryable``.
public struct ErrorCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The code as text, for example `offline`. Never anything that a person wrote.
    public let rawValue: String

    /// A code, known or not.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// The code as text.
    public var description: String { rawValue }
}

/// The codes that this version knows.
extension ErrorCode {
    /// The request carries no valid access token (RFC 9068).
    public static let unauthenticated = ErrorCode(rawValue: "unauthenticated")
    /// The access token has expired: get a fresh one and send the same request again.
    public static let tokenExpired = ErrorCode(rawValue: "token_expired")
    /// The caller may not do this.
    public static let forbidden = ErrorCode(rawValue: "forbidden")
    /// The device is not in the directory, or belongs to another user.
    public static let unknownDevice = ErrorCode(rawValue: "unknown_device")
    /// The device has been revoked.
    public static let deviceRevoked = ErrorCode(rawValue: "device_revoked")
    /// Another device of the user must approve this one first.
    public static let approvalPending = ErrorCode(rawValue: "approval_pending")
    /// The device has no leaf in this conversation, or the conversation does not exist: the two look alike on purpose.
    public static let notAMember = ErrorCode(rawValue: "not_a_member")
    /// The device was removed from the conversation; its log is served up to the removal.
    public static let removed = ErrorCode(rawValue: "removed")
    /// Somebody has left or was revoked: nothing is accepted until a commit removes all leaves that the answer names.
    public static let removalPending = ErrorCode(rawValue: "removal_pending")
    /// The tenant's policy wants a user in every conversation: nobody may remove them or leave them out, and they do not leave.
    public static let mandatoryMember = ErrorCode(rawValue: "mandatory_member")
    /// The tenant has as many conversations, devices or bytes as the operator allows; the detail says which.
    public static let quotaExceeded = ErrorCode(rawValue: "quota_exceeded")
    /// No such path or thing.
    public static let notFound = ErrorCode(rawValue: "not_found")
    /// The path exists, the method does not.
    public static let methodNotAllowed = ErrorCode(rawValue: "method_not_allowed")
    /// The message was made in an epoch that is not the current one; the answer brings the missing entries.
    public static let staleEpoch = ErrorCode(rawValue: "stale_epoch")
    /// The message's counter is not the last accepted one plus one.
    public static let staleCounter = ErrorCode(rawValue: "stale_counter")
    /// Another commit won the epoch; the answer names it and brings the missing entries.
    public static let epochTaken = ErrorCode(rawValue: "epoch_taken")
    /// The conversation has gone on in another incarnation, or already exists.
    public static let incarnationChanged = ErrorCode(rawValue: "incarnation_changed")
    /// The incarnation is over and takes nothing more; the next one is not open yet.
    public static let incarnationOver = ErrorCode(rawValue: "incarnation_over")
    /// Another device has the commit turn: wait for ``CuroError/retryAfter``.
    public static let notYourTurn = ErrorCode(rawValue: "not_your_turn")
    /// A device that the commit adds or updates changed after the directory version that the commit names.
    public static let directoryChanged = ErrorCode(rawValue: "directory_changed")
    /// The same intent id came with other bytes.
    public static let intentReused = ErrorCode(rawValue: "intent_reused")
    /// The sync token or cursor is of another store: the relay was restored from a backup.
    public static let storeChanged = ErrorCode(rawValue: "store_changed")
    /// The log goes on otherwise than the entries that were offered: both the relay and a member have what the other lacks.
    public static let logDiverged = ErrorCode(rawValue: "log_diverged")
    /// The tip is not signed by this relay's log key: what it stands for cannot be taken back.
    public static let tipNotOurs = ErrorCode(rawValue: "tip_not_ours")
    /// The device id or key is taken.
    public static let deviceExists = ErrorCode(rawValue: "device_exists")
    /// The body of a wanted entry is no longer kept.
    public static let bodyGone = ErrorCode(rawValue: "body_gone")
    /// The request is not well formed.
    public static let malformed = ErrorCode(rawValue: "malformed")
    /// The request speaks a version that the relay does not.
    public static let unsupportedVersion = ErrorCode(rawValue: "unsupported_version")
    /// The relay serves this version of the client no longer: only an update of the app helps.
    public static let updateRequired = ErrorCode(rawValue: "update_required")
    /// A body, batch or list is over its limit.
    public static let tooLarge = ErrorCode(rawValue: "too_large")
    /// The media type is not `application/json`.
    public static let unsupportedMediaType = ErrorCode(rawValue: "unsupported_media_type")
    /// An MLS message or a KeyPackage breaks a rule; the detail names the rule.
    public static let refused = ErrorCode(rawValue: "refused")
    /// Over a rate limit: wait for ``CuroError/retryAfter``.
    public static let rateLimited = ErrorCode(rawValue: "rate_limited")
    /// A fault of the relay.
    public static let `internal` = ErrorCode(rawValue: "internal")
    /// The relay cannot serve at the moment (starting, stopping, its storage busy).
    public static let unavailable = ErrorCode(rawValue: "unavailable")
    /// The request took longer than the relay allows.
    public static let timeout = ErrorCode(rawValue: "timeout")
    /// The relay cannot be reached.
    public static let offline = ErrorCode(rawValue: "offline")
    /// Something else than the relay has answered over the relay's connection: a page or a redirect, as captive portals and
    /// filters send them. None of it is taken as the relay's word.
    public static let captivePortal = ErrorCode(rawValue: "captive_portal")
    /// No trusted TLS connection comes about: the certificate does not verify, or what answers does not speak TLS. Nothing
    /// was sent.
    public static let tlsFailed = ErrorCode(rawValue: "tls_failed")
    /// The certificate verifies, but its public key is none of the pinned ones. Nothing was sent.
    public static let pinMismatch = ErrorCode(rawValue: "pin_mismatch")
    /// The relay answered something that is not the protocol, or that fails verification.
    public static let badRelay = ErrorCode(rawValue: "bad_relay")
    /// The client is not signed in, or the token provider gave no token.
    public static let signInNeeded = ErrorCode(rawValue: "sign_in_needed")
    /// The token is of another user or tenant than the profile is bound to.
    public static let wrongAccount = ErrorCode(rawValue: "wrong_account")
    /// The store is locked.
    public static let locked = ErrorCode(rawValue: "locked")
    /// The client is closed.
    public static let closed = ErrorCode(rawValue: "closed")
    /// Another process or client uses the store.
    public static let busy = ErrorCode(rawValue: "busy")
    /// There is no store, or its key is gone.
    public static let storeMissing = ErrorCode(rawValue: "store_missing")
    /// The store is not readable: foreign, corrupt or opened with a wrong key.
    public static let storeUnreadable = ErrorCode(rawValue: "store_unreadable")
    /// The store was written by a newer version.
    public static let storeNewer = ErrorCode(rawValue: "store_newer")
    /// No space on the device.
    public static let storageFull = ErrorCode(rawValue: "storage_full")
    /// The key vault is not ready, for example before the first unlock.
    public static let vaultNotReady = ErrorCode(rawValue: "vault_not_ready")
    /// The key vault wants the user's presence.
    public static let vaultUserAuthNeeded = ErrorCode(rawValue: "vault_user_auth_needed")
    /// A person has no device that could join.
    public static let noDevice = ErrorCode(rawValue: "no_device")
    /// No device of a person can run the conversation's cipher suite, or people have no suite in common.
    public static let noCommonSuite = ErrorCode(rawValue: "no_common_suite")
    /// The conversation cannot go on until it is rejoined, which the client does by itself.
    public static let rejoinNeeded = ErrorCode(rawValue: "rejoin_needed")
    /// Rejoining the conversation did not help, again and again.
    public static let rejoinFailed = ErrorCode(rawValue: "rejoin_failed")
    /// A member's key was never published in the directory: nothing is sent to this conversation.
    public static let keyMismatch = ErrorCode(rawValue: "key_mismatch")
    /// A direct conversation has somebody else in it: nothing is sent.
    public static let notDirect = ErrorCode(rawValue: "not_direct")
    /// A role does not allow it: this user's, or that of whoever made a commit, which then freezes the conversation.
    public static let notAllowed = ErrorCode(rawValue: "not_allowed")
    /// No such conversation, message or person.
    public static let unknown = ErrorCode(rawValue: "unknown")
    /// An argument is outside its limits.
    public static let invalidArgument = ErrorCode(rawValue: "invalid_argument")
    /// The intent was cancelled by the user.
    public static let cancelled = ErrorCode(rawValue: "cancelled")

    /// All of them, for tests that compare them with the library's.
    static let known: [ErrorCode] = [
        .unauthenticated, .tokenExpired, .forbidden, .unknownDevice, .deviceRevoked, .approvalPending, .notAMember,
        .removed, .removalPending, .mandatoryMember, .quotaExceeded, .notFound, .methodNotAllowed, .staleEpoch,
        .staleCounter, .epochTaken, .incarnationChanged, .incarnationOver, .notYourTurn, .directoryChanged,
        .intentReused, .storeChanged, .logDiverged, .tipNotOurs, .deviceExists, .bodyGone, .malformed,
        .unsupportedVersion, .updateRequired, .tooLarge, .unsupportedMediaType, .refused, .rateLimited, .internal,
        .unavailable, .timeout, .offline, .captivePortal, .tlsFailed, .pinMismatch, .badRelay, .signInNeeded,
        .wrongAccount, .locked, .closed, .busy, .storeMissing, .storeUnreadable, .storeNewer, .storageFull,
        .vaultNotReady, .vaultUserAuthNeeded, .noDevice, .noCommonSuite, .rejoinNeeded, .rejoinFailed, .keyMismatch,
        .notDirect, .notAllowed, .unknown, .invalidArgument, .cancelled,
    ]
}
