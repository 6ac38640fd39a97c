package health.curo

import health.curo.ffi.SessionState as GeneratedSessionState

/** What an app can do with a profile now: which screen to show. */
public enum class SessionState {
    /** Everything works; whether the relay can be reached is the connection's matter. */
    ACTIVE,

    /** Nothing is shown until unlock. */
    LOCKED,

    /** The user must sign in at the identity provider; then call signIn. */
    SIGN_IN_NEEDED,

    /** Another device of this user must approve this one: show the approval code, and wait for the approval. */
    WAITING_FOR_APPROVAL,

    /** The relay says that this device was revoked: it sends and gets nothing any more. */
    REVOKED,

    /** The profile was erased. This client can do nothing any more. */
    WIPED,

    /** The relay no longer speaks with this version of the app. */
    UPDATE_REQUIRED,

    /** Closed; open a new client. */
    CLOSED,

    /** A state of a later version. */
    OTHER,
}

internal fun GeneratedSessionState.toPublic(): SessionState =
    when (this) {
        GeneratedSessionState.ACTIVE -> SessionState.ACTIVE
        GeneratedSessionState.LOCKED -> SessionState.LOCKED
        GeneratedSessionState.SIGN_IN_NEEDED -> SessionState.SIGN_IN_NEEDED
        GeneratedSessionState.WAITING_FOR_APPROVAL -> SessionState.WAITING_FOR_APPROVAL
        GeneratedSessionState.REVOKED -> SessionState.REVOKED
        GeneratedSessionState.WIPED -> SessionState.WIPED
        GeneratedSessionState.UPDATE_REQUIRED -> SessionState.UPDATE_REQUIRED
        GeneratedSessionState.CLOSED -> SessionState.CLOSED
        GeneratedSessionState.OTHER -> SessionState.OTHER
    }
