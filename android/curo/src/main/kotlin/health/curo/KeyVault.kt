package health.curo

import health.curo.ffi.DoneReply
import health.curo.ffi.KeyReply
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import health.curo.ffi.KeyVault as GeneratedKeyVault
import health.curo.ffi.VaultFailure as GeneratedVaultFailure
import health.curo.ffi.VaultMode as GeneratedVaultMode

/**
 * Keeps the keys of the stores on this device. The app implements it.
 *
 * A call may take two minutes, on any thread, and several may run at a time. It says why it gives no key by throwing
 * [VaultException]; any other `Throwable` counts as [VaultFailure.NOT_READY], and its text is dropped.
 */
public interface KeyVault {
    /** When it may be asked; always the same. */
    public val mode: VaultMode

    /** The key that is stored under this name. */
    public suspend fun loadKey(profile: ProfileId): StoreKey

    /**
     * Makes a new key (see [StoreKey.random]), stores it durably and returns it. If one is stored under this name already,
     * returns that one and changes nothing; one that cannot be read is a failure and is never replaced.
     */
    public suspend fun createKey(profile: ProfileId): StoreKey

    /** Destroys the key that is stored under this name, for good. Without one there is nothing to do. */
    public suspend fun destroyKey(profile: ProfileId)
}

private val VAULT_LIMIT = 120.seconds

/** A vault of the app, as the library asks it. The mode is read once, where an exception still reaches the caller. */
internal class VaultAdapter(
    private val vault: KeyVault,
) : GeneratedKeyVault {
    private val mode: GeneratedVaultMode =
        try {
            vault.mode.toGenerated()
        } catch (_: Throwable) {
            throw CuroException(ErrorCode.VAULT_NOT_READY, retryable = true)
        }

    override fun mode(): GeneratedVaultMode = mode

    override fun loadKey(
        name: String,
        reply: KeyReply,
    ): Unit = giveKey(reply) { vault.loadKey(ProfileId(name)) }

    override fun createKey(
        name: String,
        reply: KeyReply,
    ): Unit = giveKey(reply) { vault.createKey(ProfileId(name)) }

    override fun destroyKey(
        name: String,
        reply: DoneReply,
    ): Unit =
        answer(VAULT_LIMIT, reply, { reply.fail(it.vaultFailure()) }) {
            vault.destroyKey(ProfileId(name))
            reply.complete()
        }

    private fun giveKey(
        reply: KeyReply,
        ask: suspend () -> StoreKey,
    ): Unit =
        answer(VAULT_LIMIT, reply, { reply.fail(it.vaultFailure()) }) {
            val bytes = ask().toByteArray()
            try {
                reply.complete(bytes)
            } finally {
                bytes.fill(0)
            }
        }
}

private fun Throwable.vaultFailure(): GeneratedVaultFailure =
    (this as? VaultException)?.failure?.toGenerated() ?: GeneratedVaultFailure.NOT_READY

/**
 * Lets the app answer a question of the library in its own time. Returns at once. Whatever the app throws, `Error`s
 * included, is a refusal: out of a callback it would look like success to the library.
 */
internal fun answer(
    limit: Duration,
    reply: AutoCloseable,
    refuse: (Throwable) -> Unit,
    work: suspend () -> Unit,
) {
    background.launch {
        try {
            withTimeout(limit) { work() }
        } catch (failure: Throwable) {
            runCatching { refuse(failure) }
        } finally {
            runCatching { reply.close() }
        }
    }
}
