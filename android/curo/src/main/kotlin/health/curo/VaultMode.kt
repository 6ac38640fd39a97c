package health.curo

import health.curo.ffi.VaultMode as GeneratedVaultMode

/** When a vault may be asked for a key. */
public enum class VaultMode {
    /** Whenever the device has been unlocked since it was started: also for background work while the app is locked. */
    BACKGROUND,

    /** Only with the user in front: asking may show a prompt, so background work does not ask. */
    USER_PRESENCE,
}

internal fun VaultMode.toGenerated(): GeneratedVaultMode =
    when (this) {
        VaultMode.BACKGROUND -> GeneratedVaultMode.BACKGROUND
        VaultMode.USER_PRESENCE -> GeneratedVaultMode.USER_PRESENCE
    }
