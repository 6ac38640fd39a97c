package health.curo.testing

import health.curo.ProfileId
import health.curo.StoreKey
import health.curo.TokenReason
import health.curo.VaultException
import health.curo.VaultFailure
import kotlinx.coroutines.runBlocking
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotEquals
import kotlin.test.assertTrue

class AppPartsTest {
    private val profile = ProfileId("p")

    private suspend fun failure(call: suspend () -> Unit) = assertFailsWith<VaultException> { call() }.failure

    @Test
    fun aVaultKeepsOneKeyForAProfile(): Unit =
        runBlocking {
            val vault = MemoryVault()
            assertEquals(VaultFailure.MISSING, failure { vault.loadKey(profile) })
            val key = vault.createKey(profile)
            assertEquals(key, vault.createKey(profile))
            assertEquals(key, vault.loadKey(profile))
            assertEquals(setOf(profile), vault.profiles)
            assertNotEquals<StoreKey>(key, vault.createKey(ProfileId("q")))
            vault.destroyKey(profile)
            vault.destroyKey(profile)
            assertEquals(VaultFailure.MISSING, failure { vault.loadKey(profile) })
        }

    @Test
    fun aVaultFailsAsItIsTold(): Unit =
        runBlocking {
            val vault = MemoryVault()
            for (failure in VaultFailure.entries) {
                vault.failure = failure
                assertEquals(failure, failure { vault.loadKey(profile) })
                assertEquals(failure, failure { vault.createKey(profile) })
                assertEquals(failure, failure { vault.destroyKey(profile) })
            }
            vault.failure = null
            vault.createKey(profile)
        }

    @Test
    fun tokensAreWhatTheyWereSetTo(): Unit =
        runBlocking {
            val tokens = StaticTokens("t")
            assertEquals("t", tokens.token(TokenReason.FIRST))
            tokens.token = null
            assertEquals(null, tokens.token(TokenReason.REFUSED))
            assertEquals(listOf(TokenReason.FIRST, TokenReason.REFUSED), tokens.reasons)
        }

    @Test
    fun anotherMachineIsToldWhatIsThere() {
        val said = assertFailsWith<IllegalStateException> { Host("plan9-vax").relay() }.message.orEmpty()
        assertTrue("this machine is plan9-vax" in said, said)
        assertTrue("FakeClient" in said, said)
    }
}
