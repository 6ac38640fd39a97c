package health.curo.testing

import health.curo.KeyVault
import health.curo.ProfileId
import health.curo.StoreKey
import health.curo.VaultException
import health.curo.VaultFailure
import health.curo.VaultMode
import java.util.concurrent.ConcurrentHashMap

/**
 * Keeps the keys of stores in memory, for tests: when it is gone, so is what is in the stores. A store is opened again with
 * the vault that it was made with.
 */
public class MemoryVault(
    override val mode: VaultMode = VaultMode.BACKGROUND,
) : KeyVault {
    private val keys = ConcurrentHashMap<ProfileId, StoreKey>()

    /** Why every call fails from now on; null: none does. */
    @Volatile
    public var failure: VaultFailure? = null

    /** The profiles that it has keys of. */
    public val profiles: Set<ProfileId> get() = keys.keys.toSet()

    override suspend fun loadKey(profile: ProfileId): StoreKey {
        refuse()
        return keys[profile] ?: throw VaultException(VaultFailure.MISSING)
    }

    override suspend fun createKey(profile: ProfileId): StoreKey {
        refuse()
        return keys.computeIfAbsent(profile) { StoreKey.random() }
    }

    override suspend fun destroyKey(profile: ProfileId) {
        refuse()
        keys.remove(profile)
    }

    private fun refuse() {
        failure?.let { throw VaultException(it) }
    }
}
