package health.curo

import health.curo.ffi.TokenReason as GeneratedTokenReason

/** Why a token is asked for. */
public enum class TokenReason {
}

internal fun GeneratedTokenReason.toPublic(): TokenReason =
    when (this) {
    }
