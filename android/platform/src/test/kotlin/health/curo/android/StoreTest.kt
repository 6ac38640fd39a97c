package health.curo.android

import android.app.KeyguardManager
import android.os.Build
import health.curo.Client
import health.curo.ClientOptions
import health.curo.CuroException
import health.curo.ErrorCode
import health.curo.ProfileOwner
import health.curo.VaultMode
import kotlinx.coroutines.runBlocking
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** Real stores, by the library, with keys of the vault. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [Build.VERSION_CODES.VANILLA_ICE_CREAM], manifest = Config.NONE)
class StoreTest {
    @Before
    fun newDevice() {
        FakeDevice.reset()
        shadowOf(system<KeyguardManager>()).setIsDeviceSecure(true)
    }

    private suspend fun open(mode: VaultMode = VaultMode.BACKGROUND): Client =
        Client.open(ClientOptions(app.curoFolder(), "https://127.0.0.1:9"), AndroidKeyStoreVault(app, mode)) { null }

    private fun code(call: suspend () -> Unit): ErrorCode =
        assertFailsWith<CuroException> { runBlocking { call() } }.code

    @Test
    fun aStoreIsOpenedAgainAfterARestart() =
        runBlocking {
            val first = open()
            first.close()
            FakeDevice.boot()
            val again = open()
            assertEquals(first.profile, again.profile)
            again.lock()
            again.unlock()
            again.suspend()
            again.resume()
            again.close()
        }

    @Test
    fun aStoreWithoutItsKeyIsLostUntilItIsErased() =
        runBlocking {
            val vault = AndroidKeyStoreVault(app)
            val first = open()
            first.close()
            FakeDevice.keys.clear()
            assertEquals(ErrorCode.STORE_MISSING, code { open() })
            val lost = Client.accounts(app.curoFolder(), vault)
            assertEquals(listOf(first.profile to ProfileOwner.Lost), lost.map { it.profile to it.owner })
            Client.eraseProfile(app.curoFolder(), first.profile, vault)
            val next = open()
            assertTrue(next.profile != first.profile)
            next.erase()
            assertEquals(emptySet(), FakeDevice.keys.keys.toSet())
            assertEquals(
                emptyList(),
                app.noBackupFilesDir
                    .walk()
                    .filter { it.name.endsWith(".key") }
                    .toList(),
            )
        }

    @Test
    fun withUserPresenceTheStoreOpensForThePersonAlone() =
        runBlocking {
            open(VaultMode.USER_PRESENCE).close()
            FakeDevice.authenticated = false
            assertEquals(ErrorCode.VAULT_USER_AUTH_NEEDED, code { open(VaultMode.USER_PRESENCE) })
            FakeDevice.authenticated = true
            val client = open(VaultMode.USER_PRESENCE)
            client.lock()
            FakeDevice.authenticated = false
            assertEquals(ErrorCode.VAULT_USER_AUTH_NEEDED, code { client.unlock() })
            FakeDevice.authenticated = true
            client.unlock()
            client.close()
        }

    @Test
    fun anotherModeComesWithANewKey() =
        runBlocking {
            val client = open()
            client.close()
            val present = open(VaultMode.USER_PRESENCE)
            present.rekey()
            present.close()
            val keys = FakeDevice.keys.values
            assertEquals(listOf(true), keys.map { it.spec.isUserAuthenticationRequired })
            assertFalse(
                FakeDevice.keys.keys
                    .single()
                    .endsWith(client.profile.value),
            )
            open(VaultMode.USER_PRESENCE).close()
        }
}
