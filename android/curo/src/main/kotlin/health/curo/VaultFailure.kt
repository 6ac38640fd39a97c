package health.curo

import health.curo.ffi.VaultFailure as GeneratedVaultFailure

/** Why a vault gives no key. Only the last two mean that it is gone; a vault that is unsure says `NotReady`. */
public enum class VaultFailure {
    /** It cannot be read now, for instance before the first unlock after a boot. Asked again later. */
    NOT_READY,

    /** The user must authenticate first. */
    USER_AUTH_NEEDED,

    /** The key was there and can never be read again. */
    INVALIDATED,

    /** No key is stored under this name. */
    MISSING,
}

internal fun VaultFailure.toGenerated(): GeneratedVaultFailure =
    when (this) {
        VaultFailure.NOT_READY -> GeneratedVaultFailure.NOT_READY
        VaultFailure.USER_AUTH_NEEDED -> GeneratedVaultFailure.USER_AUTH_NEEDED
        VaultFailure.INVALIDATED -> GeneratedVaultFailure.INVALIDATED
        VaultFailure.MISSING -> GeneratedVaultFailure.MISSING
    }
