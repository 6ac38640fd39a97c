package health.curo

import health.curo.ffi.SessionState as GeneratedSessionState

/** What an app can do with a profile now: which screen to show. */
public enum class SessionState {
}

internal fun GeneratedSessionState.toPublic(): SessionState =
    when (this) {
    }
