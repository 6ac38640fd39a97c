package health.curo

import health.curo.ffi.TokenReason as GeneratedTokenReason

/** Why a token is asked for. */
public enum class TokenReason {
    /** There is none yet; one that the app holds will do. */
    FIRST,

    /** The relay has refused the last one: a fresh one is needed. */
    REFUSED,

    /**
     * The session has lasted as long as it may: the person must authenticate again (OpenID Connect: prompt=login or
     * max_age). A token that was refreshed in silence will not do.
     */
    SESSION_OVER,
}

internal fun GeneratedTokenReason.toPublic(): TokenReason =
    when (this) {
        GeneratedTokenReason.FIRST -> TokenReason.FIRST
        GeneratedTokenReason.REFUSED -> TokenReason.REFUSED
        GeneratedTokenReason.SESSION_OVER -> TokenReason.SESSION_OVER
    }
