package health.curo

/** A stable code of an error: an open set, so expect codes that are not named here and treat them by `retryable`. */
@JvmInline
public value class ErrorCode(
    /** As text, the same on all platforms. */
    public val value: String,
) {
    override fun toString(): String = value

    /** The codes of this version. */
    public companion object {
        /** The request carries no valid access token (RFC 9068). */
        public val UNAUTHENTICATED: ErrorCode = ErrorCode("unauthenticated")

        /** The access token has expired: get a fresh one and send the same request again. */
        public val TOKEN_EXPIRED: ErrorCode = ErrorCode("token_expired")

        /** The caller may not do this. */
        public val FORBIDDEN: ErrorCode = ErrorCode("forbidden")

        /** The device is not in the directory, or belongs to another user. */
        public val UNKNOWN_DEVICE: ErrorCode = ErrorCode("unknown_device")

        /** The device has been revoked. */
        public val DEVICE_REVOKED: ErrorCode = ErrorCode("device_revoked")

        /** Another device of the user must approve this one first. */
        public val APPROVAL_PENDING: ErrorCode = ErrorCode("approval_pending")

        /**
         * The device has no leaf in this conversation, or the conversation does not exist: the two look alike on
         * purpose.
         */
        public val NOT_A_MEMBER: ErrorCode = ErrorCode("not_a_member")

        /** The device was removed from the conversation; its log is served up to the removal. */
        public val REMOVED: ErrorCode = ErrorCode("removed")

        /**
         * Somebody has left or was revoked: nothing is accepted until a commit removes all leaves that the answer
         * names.
         */
        public val REMOVAL_PENDING: ErrorCode = ErrorCode("removal_pending")

        /**
         * The tenant's policy wants a user in every conversation: nobody may remove them or leave them out, and they do
         * not leave.
         */
        public val MANDATORY_MEMBER: ErrorCode = ErrorCode("mandatory_member")

        /** The tenant has as many conversations, devices or bytes as the operator allows; the detail says which. */
        public val QUOTA_EXCEEDED: ErrorCode = ErrorCode("quota_exceeded")

        /** No such path or thing. */
        public val NOT_FOUND: ErrorCode = ErrorCode("not_found")

        /** The path exists, the method does not. */
        public val METHOD_NOT_ALLOWED: ErrorCode = ErrorCode("method_not_allowed")

        /** The message was made in an epoch that is not the current one; the answer brings the missing entries. */
        public val STALE_EPOCH: ErrorCode = ErrorCode("stale_epoch")

        /** The message's counter is not the last accepted one plus one. */
        public val STALE_COUNTER: ErrorCode = ErrorCode("stale_counter")

        /** Another commit won the epoch; the answer names it and brings the missing entries. */
        public val EPOCH_TAKEN: ErrorCode = ErrorCode("epoch_taken")

        /** The conversation has gone on in another incarnation, or already exists. */
        public val INCARNATION_CHANGED: ErrorCode = ErrorCode("incarnation_changed")

        /** The incarnation is over and takes nothing more; the next one is not open yet. */
        public val INCARNATION_OVER: ErrorCode = ErrorCode("incarnation_over")

        /** Another device has the commit turn: wait for `retry_after_ms`. */
        public val NOT_YOUR_TURN: ErrorCode = ErrorCode("not_your_turn")

        /** A device that the commit adds or updates changed after the directory version that the commit names. */
        public val DIRECTORY_CHANGED: ErrorCode = ErrorCode("directory_changed")

        /** The same intent id came with other bytes. */
        public val INTENT_REUSED: ErrorCode = ErrorCode("intent_reused")

        /** The sync token or cursor is of another store: the relay was restored from a backup. */
        public val STORE_CHANGED: ErrorCode = ErrorCode("store_changed")

        /**
         * The log goes on otherwise than the entries that were offered: both the relay and a member have what the other
         * lacks.
         */
        public val LOG_DIVERGED: ErrorCode = ErrorCode("log_diverged")

        /** The tip is not signed by this relay's log key: what it stands for cannot be taken back. */
        public val TIP_NOT_OURS: ErrorCode = ErrorCode("tip_not_ours")

        /** The device id or key is taken. */
        public val DEVICE_EXISTS: ErrorCode = ErrorCode("device_exists")

        /** The body of a wanted entry is no longer kept. */
        public val BODY_GONE: ErrorCode = ErrorCode("body_gone")

        /** The request is not well formed. */
        public val MALFORMED: ErrorCode = ErrorCode("malformed")

        /** The request speaks a version that the relay does not. */
        public val UNSUPPORTED_VERSION: ErrorCode = ErrorCode("unsupported_version")

        /** The relay serves this version of the client no longer: only an update of the app helps. */
        public val UPDATE_REQUIRED: ErrorCode = ErrorCode("update_required")

        /** A body, batch or list is over its limit. */
        public val TOO_LARGE: ErrorCode = ErrorCode("too_large")

        /** The media type is not `application/json`. */
        public val UNSUPPORTED_MEDIA_TYPE: ErrorCode = ErrorCode("unsupported_media_type")

        /** An MLS message or a KeyPackage breaks a rule; the detail names the rule. */
        public val REFUSED: ErrorCode = ErrorCode("refused")

        /** Over a rate limit: wait for `retry_after_ms`. */
        public val RATE_LIMITED: ErrorCode = ErrorCode("rate_limited")

        /** A fault of the relay. */
        public val INTERNAL: ErrorCode = ErrorCode("internal")

        /** The relay cannot serve at the moment (starting, stopping, its storage busy). */
        public val UNAVAILABLE: ErrorCode = ErrorCode("unavailable")

        /** The request took longer than the relay allows. */
        public val TIMEOUT: ErrorCode = ErrorCode("timeout")

        /** The relay cannot be reached. */
        public val OFFLINE: ErrorCode = ErrorCode("offline")

        /**
         * Something else than the relay has answered over the relay's connection: a page or a redirect, as captive
         * portals and filters send them. None of it is taken as the relay's word.
         */
        public val CAPTIVE_PORTAL: ErrorCode = ErrorCode("captive_portal")

        /**
         * No trusted TLS connection comes about: the certificate does not verify, or what answers does not speak TLS.
         * Nothing was sent.
         */
        public val TLS_FAILED: ErrorCode = ErrorCode("tls_failed")

        /** The certificate verifies, but its public key is none of the pinned ones. Nothing was sent. */
        public val PIN_MISMATCH: ErrorCode = ErrorCode("pin_mismatch")

        /** The relay answered something that is not the protocol, or that fails verification. */
        public val BAD_RELAY: ErrorCode = ErrorCode("bad_relay")

        /** The client is not signed in, or the token provider gave no token. */
        public val SIGN_IN_NEEDED: ErrorCode = ErrorCode("sign_in_needed")

        /** The token is of another user or tenant than the profile is bound to. */
        public val WRONG_ACCOUNT: ErrorCode = ErrorCode("wrong_account")

        /** The store is locked. */
        public val LOCKED: ErrorCode = ErrorCode("locked")

        /** The client is closed. */
        public val CLOSED: ErrorCode = ErrorCode("closed")

        /** Another process or client uses the store. */
        public val BUSY: ErrorCode = ErrorCode("busy")

        /** There is no store, or its key is gone. */
        public val STORE_MISSING: ErrorCode = ErrorCode("store_missing")

        /** The store is not readable: foreign, corrupt or opened with a wrong key. */
        public val STORE_UNREADABLE: ErrorCode = ErrorCode("store_unreadable")

        /** The store was written by a newer version. */
        public val STORE_NEWER: ErrorCode = ErrorCode("store_newer")

        /** No space on the device. */
        public val STORAGE_FULL: ErrorCode = ErrorCode("storage_full")

        /** The key vault is not ready, for example before the first unlock. */
        public val VAULT_NOT_READY: ErrorCode = ErrorCode("vault_not_ready")

        /** The key vault wants the user's presence. */
        public val VAULT_USER_AUTH_NEEDED: ErrorCode = ErrorCode("vault_user_auth_needed")

        /** A person has no device that could join. */
        public val NO_DEVICE: ErrorCode = ErrorCode("no_device")

        /** No device of a person can run the conversation's cipher suite, or people have no suite in common. */
        public val NO_COMMON_SUITE: ErrorCode = ErrorCode("no_common_suite")

        /** The conversation cannot go on until it is rejoined, which the client does by itself. */
        public val REJOIN_NEEDED: ErrorCode = ErrorCode("rejoin_needed")

        /** Rejoining the conversation did not help, again and again. */
        public val REJOIN_FAILED: ErrorCode = ErrorCode("rejoin_failed")

        /** A member's key was never published in the directory: nothing is sent to this conversation. */
        public val KEY_MISMATCH: ErrorCode = ErrorCode("key_mismatch")

        /** A direct conversation has somebody else in it: nothing is sent. */
        public val NOT_DIRECT: ErrorCode = ErrorCode("not_direct")

        /**
         * A role does not allow it: this user's, or that of whoever made a commit, which then freezes the conversation.
         */
        public val NOT_ALLOWED: ErrorCode = ErrorCode("not_allowed")

        /** No such conversation, message or person. */
        public val UNKNOWN: ErrorCode = ErrorCode("unknown")

        /** An argument is outside its limits. */
        public val INVALID_ARGUMENT: ErrorCode = ErrorCode("invalid_argument")

        /** The intent was cancelled by the user. */
        public val CANCELLED: ErrorCode = ErrorCode("cancelled")
    }
}
