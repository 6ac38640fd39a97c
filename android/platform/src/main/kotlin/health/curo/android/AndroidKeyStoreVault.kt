package health.curo.android

import android.app.KeyguardManager
import android.content.Context
import android.os.UserManager
import health.curo.KeyVault
import health.curo.ProfileId
import health.curo.StoreKey
import health.curo.VaultException
import health.curo.VaultFailure
import health.curo.VaultMode
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.io.File
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/**
 * Keeps the keys of stores under keys of AndroidKeyStore, which never leave the device's secure hardware.
 *
 * Each store's key lies encrypted (AES-256-GCM) in a file that no backup takes, under a key of its own in AndroidKeyStore.
 * That key encrypts once in its life, so no IV can come twice; destroying it makes the file, and with it the store,
 * unreadable for good. Both survive restarts and updates of the app; they end with its data, or with an uninstallation.
 *
 * It fails with [VaultFailure.NOT_READY] before the first unlock after a boot, for I/O errors and whatever AndroidKeyStore
 * may get over; with [VaultFailure.INVALIDATED] where the key in AndroidKeyStore is gone or void (the person has removed the
 * screen lock that [VaultMode.USER_PRESENCE] binds it to) and where the file was changed.
 *
 * A key stays in the mode in which it was made. After another [mode] was chosen, `client.rekey()` makes one in the new mode.
 */
public class AndroidKeyStoreVault(
    context: Context,
    /**
     * [VaultMode.BACKGROUND]: readable as soon as the device has been unlocked once since its start.
     * [VaultMode.USER_PRESENCE]: only for a while after the person has authenticated, by the screen lock or by a strong
     * biometric; otherwise [VaultFailure.USER_AUTH_NEEDED]: show a biometric or credential prompt, then call again. Needs a
     * device with a screen lock.
     */
    override val mode: VaultMode = VaultMode.BACKGROUND,
    /**
     * Whether new keys are to live in StrongBox, a separate security chip, which is slower. Where the device has none, the key
     * lives in ordinary secure hardware; [protection] tells what it came to.
     */
    private val strongBox: Boolean = false,
    /** How long after an authentication keys of [VaultMode.USER_PRESENCE] can be read: 1 second to 1 hour. */
    private val presence: Duration = 60.seconds,
) : KeyVault {
    private val context: Context = context.applicationContext

    init {
        require(presence.inWholeSeconds in 1..MAX_PRESENCE_S) { "presence is 1 second to 1 hour" }
    }

    override suspend fun loadKey(profile: ProfileId): StoreKey = guarded { read(profile) ?: fail(VaultFailure.MISSING) }

    override suspend fun createKey(profile: ProfileId): StoreKey = guarded { read(profile) ?: make(profile) }

    override suspend fun destroyKey(profile: ProfileId): Unit =
        guarded {
            WrappingKey.destroy(alias(profile))
            file(profile).remove()
        }

    /** What protects this store's key; null where there is none. Fails with [VaultException], as reading it. */
    public suspend fun protection(profile: ProfileId): KeyProtection? =
        guarded {
            file(profile).read()?.let { bytes ->
                val sealed = SealedKey.parse(bytes) ?: fail(VaultFailure.INVALIDATED)
                val key = WrappingKey.find(alias(profile)) ?: fail(VaultFailure.INVALIDATED)
                if (sealed.strongBox) KeyProtection.STRONG_BOX else key.protection()
            }
        }

    private fun read(profile: ProfileId): StoreKey? =
        file(profile).read()?.let { bytes ->
            val sealed = SealedKey.parse(bytes) ?: fail(VaultFailure.INVALIDATED)
            val key = WrappingKey.find(alias(profile)) ?: fail(VaultFailure.INVALIDATED)
            sealed.open(key, profile)
        }

    private fun make(profile: ProfileId): StoreKey {
        if (mode == VaultMode.USER_PRESENCE && !isDeviceSecure()) fail(VaultFailure.USER_AUTH_NEEDED)
        // What an interrupted call may have left has perhaps encrypted already, and must not a second time.
        WrappingKey.destroy(alias(profile))
        val wrapping = WrappingKey.make(alias(profile), presence.takeIf { mode == VaultMode.USER_PRESENCE }, strongBox)
        val key = StoreKey.random()
        file(profile).write(SealedKey.seal(key, wrapping, profile).toByteArray())
        return key
    }

    private fun file(profile: ProfileId): KeyFile = KeyFile(File(context.noBackupFilesDir, FOLDER), profile)

    private fun alias(profile: ProfileId): String = "$ALIAS_PREFIX${profile.value}"

    private fun isDeviceSecure(): Boolean =
        context.getSystemService(KeyguardManager::class.java)?.isDeviceSecure == true

    /** One call at a time in this process, on a thread that may block. Whatever goes wrong is one of the four failures. */
    private suspend fun <T> guarded(work: () -> T): T =
        withContext(Dispatchers.IO) {
            synchronized(LOCK) {
                try {
                    // Until then files of the app look as if they did not exist.
                    if (context.getSystemService(UserManager::class.java)?.isUserUnlocked == false) {
                        fail(VaultFailure.NOT_READY)
                    }
                    work()
                } catch (failure: Exception) {
                    fail(failure.vaultFailure())
                }
            }
        }

    private companion object {
        const val MAX_PRESENCE_S = 3600L
        const val FOLDER = "curo/keys"
        const val ALIAS_PREFIX = "health.curo.store."
        val LOCK = Any()
    }
}

private fun fail(failure: VaultFailure): Nothing = throw VaultException(failure)
