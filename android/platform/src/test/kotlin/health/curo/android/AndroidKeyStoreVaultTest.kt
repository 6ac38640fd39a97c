package health.curo.android

import android.app.KeyguardManager
import android.os.Build
import android.os.UserManager
import android.security.KeyStoreException
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.KeyProperties
import health.curo.ProfileId
import health.curo.VaultFailure.INVALIDATED
import health.curo.VaultFailure.MISSING
import health.curo.VaultFailure.NOT_READY
import health.curo.VaultFailure.USER_AUTH_NEEDED
import health.curo.VaultMode
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.runBlocking
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import java.io.File
import java.security.InvalidKeyException
import java.security.ProviderException
import java.security.UnrecoverableKeyException
import kotlin.experimental.xor
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNotEquals
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

private val PROFILE = ProfileId("0123456789abcdef0123456789abcdef")
private val OTHER = ProfileId("fedcba9876543210fedcba9876543210")

/** The vault over a stand-in for AndroidKeyStore, which Robolectric does not have. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [Build.VERSION_CODES.VANILLA_ICE_CREAM], manifest = Config.NONE)
class AndroidKeyStoreVaultTest {
    private val vault = AndroidKeyStoreVault(app)
    private val present = AndroidKeyStoreVault(app, VaultMode.USER_PRESENCE, presence = 5.minutes)

    private val folder get() = File(app.noBackupFilesDir, "curo/keys")
    private val file get() = File(folder, "${PROFILE.value}.key")
    private val wrapping get() = FakeDevice.keys.getValue("health.curo.store.${PROFILE.value}")

    @Before
    fun newDevice() {
        FakeDevice.reset()
        shadowOf(system<KeyguardManager>()).setIsDeviceSecure(true)
    }

    @Test
    fun aKeyIsLoadedAgainAndNeverReplaced() =
        runBlocking {
            assertEquals(MISSING, failure { vault.loadKey(PROFILE) })
            val key = vault.createKey(PROFILE)
            assertEquals(key, vault.createKey(PROFILE))
            assertEquals(key, vault.loadKey(PROFILE))
            assertNotEquals(key, vault.createKey(OTHER))
            assertEquals(VaultMode.BACKGROUND, vault.mode)
        }

    @Test
    fun aKeySurvivesARestart() =
        runBlocking {
            val key = vault.createKey(PROFILE)
            FakeDevice.boot()
            assertEquals(key, AndroidKeyStoreVault(app).loadKey(PROFILE))
        }

    @Test
    fun theFileShowsNothingOfTheKey() =
        runBlocking {
            val key = vault.createKey(PROFILE).toByteArray()
            val sealed = file.readBytes()
            assertEquals(85, sealed.size)
            assertEquals("curoaks\u0001", sealed.decodeToString(endIndex = 8))
            val held = sealed.toList().windowed(8).toSet()
            assertTrue(key.toList().windowed(8).none { it in held })
        }

    @Test
    fun beforeTheFirstUnlockNothingIsReady() =
        runBlocking {
            val key = vault.createKey(PROFILE)
            val users = shadowOf(system<UserManager>())
            users.setUserUnlocked(false)
            assertEquals(NOT_READY, failure { vault.loadKey(PROFILE) })
            assertEquals(NOT_READY, failure { vault.createKey(OTHER) })
            assertEquals(NOT_READY, failure { vault.destroyKey(PROFILE) })
            users.setUserUnlocked(true)
            assertEquals(key, vault.loadKey(PROFILE))
            assertEquals(MISSING, failure { vault.loadKey(OTHER) })
        }

    @Test
    fun anyChangeToTheFileIsInvalidated() =
        runBlocking {
            vault.createKey(PROFILE)
            val good = file.readBytes()
            val changed = good.indices.map { at -> good.copyOf().also { it[at] = it[at] xor 1 } }
            for (bad in changed + listOf(good.copyOf(good.size - 1), good + 0, ByteArray(0))) {
                file.writeBytes(bad)
                assertEquals(INVALIDATED, failure { vault.loadKey(PROFILE) }, bad.contentToString())
                assertEquals(INVALIDATED, failure { vault.createKey(PROFILE) }, bad.contentToString())
                assertContentEquals(bad, file.readBytes())
            }
        }

    @Test
    fun aFileOfAnotherProfileIsInvalidated() =
        runBlocking {
            vault.createKey(PROFILE)
            vault.createKey(OTHER)
            file.copyTo(File(folder, "${OTHER.value}.key"), overwrite = true)
            FakeDevice.keys["health.curo.store.${OTHER.value}"] = wrapping
            assertEquals(INVALIDATED, failure { vault.loadKey(OTHER) })
        }

    @Test
    fun aKeyThatTheDeviceHasLostIsInvalidated() =
        runBlocking {
            val key = vault.createKey(PROFILE)
            FakeDevice.invalidated = true
            assertEquals(INVALIDATED, failure { vault.loadKey(PROFILE) })
            FakeDevice.invalidated = false
            FakeDevice.broken = InvalidKeyException("CANARY", KeyPermanentlyInvalidatedException())
            assertEquals(INVALIDATED, failure { vault.loadKey(PROFILE) })
            FakeDevice.broken = null
            FakeDevice.keys.clear()
            assertEquals(INVALIDATED, failure { vault.loadKey(PROFILE) })
            assertEquals(INVALIDATED, failure { vault.createKey(PROFILE) })
            assertEquals(INVALIDATED, failure { vault.protection(PROFILE) })
            vault.destroyKey(PROFILE)
            assertNotEquals(key, vault.createKey(PROFILE))
        }

    @Test
    fun troubleIsNotReadyAndNeverALostKey() =
        runBlocking {
            val key = vault.createKey(PROFILE)
            for (trouble in listOf(
                ProviderException("CANARY"),
                InvalidKeyException("CANARY"),
                IllegalStateException("CANARY"),
            )) {
                FakeDevice.broken = trouble
                assertEquals(NOT_READY, failure { vault.loadKey(PROFILE) })
                assertEquals(NOT_READY, failure { vault.createKey(OTHER) })
            }
            FakeDevice.broken = null
            FakeDevice.silent = UnrecoverableKeyException("CANARY")
            assertEquals(NOT_READY, failure { vault.loadKey(PROFILE) })
            FakeDevice.silent = null
            assertEquals(key, vault.loadKey(PROFILE))
            assertTrue(File(folder, "${OTHER.value}.key").mkdir())
            assertEquals(NOT_READY, failure { vault.loadKey(OTHER) })
            assertEquals(NOT_READY, failure { vault.createKey(OTHER) })
            File(folder, "${OTHER.value}.key").delete()
            vault.createKey(OTHER)
            Unit
        }

    @Test
    fun whatAndroidTellsOfItsKeyStoreIsHeard() =
        runBlocking {
            vault.createKey(PROFILE)

            fun told(code: Int) {
                FakeDevice.broken = ProviderException("CANARY", KeyStoreException(code, "CANARY"))
            }
            // Keymaster's KEY_USER_NOT_AUTHENTICATED, and the system's KEY_NOT_FOUND and SYSTEM_ERROR.
            told(-26)
            assertEquals(USER_AUTH_NEEDED, failure { vault.loadKey(PROFILE) })
            told(7)
            assertEquals(INVALIDATED, failure { vault.loadKey(PROFILE) })
            told(4)
            assertEquals(NOT_READY, failure { vault.loadKey(PROFILE) })
            told(-26)
            onAndroid(Build.VERSION_CODES.S) { assertEquals(NOT_READY, failure { vault.loadKey(PROFILE) }) }
        }

    @Test
    fun withUserPresenceAPersonMustAuthenticate() =
        runBlocking {
            FakeDevice.authenticated = false
            assertEquals(USER_AUTH_NEEDED, failure { present.createKey(PROFILE) })
            FakeDevice.authenticated = true
            val key = present.createKey(PROFILE)
            assertTrue(wrapping.spec.isUserAuthenticationRequired)
            assertEquals(300, wrapping.spec.userAuthenticationValidityDurationSeconds)
            val means = KeyProperties.AUTH_BIOMETRIC_STRONG or KeyProperties.AUTH_DEVICE_CREDENTIAL
            assertEquals(means, wrapping.spec.userAuthenticationType)
            FakeDevice.authenticated = false
            assertEquals(USER_AUTH_NEEDED, failure { present.loadKey(PROFILE) })
            assertEquals(USER_AUTH_NEEDED, failure { present.createKey(PROFILE) })
            FakeDevice.boot()
            FakeDevice.authenticated = true
            assertEquals(key, present.loadKey(PROFILE))
            // To destroy it wants nobody.
            FakeDevice.authenticated = false
            present.destroyKey(PROFILE)
            assertEquals(MISSING, failure { present.loadKey(PROFILE) })
        }

    @Test
    fun inTheBackgroundNobodyMustAuthenticate() =
        runBlocking {
            FakeDevice.authenticated = false
            assertEquals(vault.createKey(PROFILE), vault.loadKey(PROFILE))
            assertFalse(wrapping.spec.isUserAuthenticationRequired)
        }

    @Test
    fun aKeyStaysInTheModeInWhichItWasMade() =
        runBlocking {
            val key = present.createKey(PROFILE)
            FakeDevice.authenticated = false
            assertEquals(USER_AUTH_NEEDED, failure { vault.loadKey(PROFILE) })
            FakeDevice.authenticated = true
            assertEquals(key, vault.loadKey(PROFILE))
        }

    @Test
    fun withoutAScreenLockThereIsNoUserPresence() {
        shadowOf(system<KeyguardManager>()).setIsDeviceSecure(false)
        assertEquals(USER_AUTH_NEEDED, failure { present.createKey(PROFILE) })
        assertEquals(emptySet(), FakeDevice.keys.keys.toSet())
        assertFailsWith<IllegalArgumentException> { AndroidKeyStoreVault(app, presence = 0.seconds) }
        assertFailsWith<IllegalArgumentException> { AndroidKeyStoreVault(app, presence = 61.minutes) }
    }

    @Test
    fun olderAndroidsAreAskedOnlyWhatTheyKnow() {
        onAndroid(Build.VERSION_CODES.O) {
            runBlocking {
                val older = AndroidKeyStoreVault(app, VaultMode.USER_PRESENCE, strongBox = true, presence = 5.minutes)
                val key = older.createKey(PROFILE)
                assertEquals(300, wrapping.spec.userAuthenticationValidityDurationSeconds)
                assertFalse(wrapping.spec.isStrongBoxBacked)
                assertEquals(key, older.loadKey(PROFILE))
                assertEquals(KeyProtection.SECURE_HARDWARE, older.protection(PROFILE))
            }
        }
    }

    @Test
    fun strongBoxIsUsedWhereThereIsOne() =
        runBlocking {
            FakeDevice.strongBox = true
            val boxed = AndroidKeyStoreVault(app, strongBox = true)
            assertEquals(null, boxed.protection(PROFILE))
            val key = boxed.createKey(PROFILE)
            assertTrue(wrapping.spec.isStrongBoxBacked)
            assertEquals(key, vault.loadKey(PROFILE))
            // Told on versions of Android, too, that do not tell by themselves.
            onAndroid(
                Build.VERSION_CODES.P,
            ) { runBlocking { assertEquals(KeyProtection.STRONG_BOX, vault.protection(PROFILE)) } }
        }

    @Test
    fun withoutStrongBoxTheKeyLivesInOrdinaryHardwareAndThatIsTold() =
        runBlocking {
            val boxed = AndroidKeyStoreVault(app, strongBox = true)
            val key = boxed.createKey(PROFILE)
            assertFalse(wrapping.spec.isStrongBoxBacked)
            assertEquals(KeyProtection.SECURE_HARDWARE, boxed.protection(PROFILE))
            assertEquals(key, boxed.loadKey(PROFILE))
        }

    @Test
    fun aKeyOfTheDeviceEncryptsOnce() =
        runBlocking {
            repeat(3) { vault.createKey(PROFILE) }
            repeat(3) { vault.loadKey(PROFILE) }
            val first = wrapping
            assertEquals(1, first.encryptions)
            // Killed after the encryption, before the file was there under its name.
            assertTrue(file.renameTo(File(folder, "${file.name}.tmp")))
            assertEquals(MISSING, failure { vault.loadKey(PROFILE) })
            val key = vault.createKey(PROFILE)
            assertFalse(first.secret.contentEquals(wrapping.secret))
            assertEquals(listOf(1, 1), listOf(first.encryptions, wrapping.encryptions))
            assertEquals(key, vault.loadKey(PROFILE))
            assertEquals(listOf(file.name), folder.list()?.toList())
        }

    @Test
    fun destroyedIsGoneAndDestroyingAgainIsNoError() =
        runBlocking {
            vault.destroyKey(PROFILE)
            val key = vault.createKey(PROFILE)
            vault.createKey(OTHER)
            // Killed in between: the key of the device goes first, so nobody can read the file.
            FakeDevice.keys.remove("health.curo.store.${PROFILE.value}")
            assertEquals(INVALIDATED, failure { vault.loadKey(PROFILE) })
            repeat(2) { vault.destroyKey(PROFILE) }
            assertEquals(MISSING, failure { vault.loadKey(PROFILE) })
            assertEquals(listOf("${OTHER.value}.key"), folder.list()?.toList())
            assertEquals(setOf("health.curo.store.${OTHER.value}"), FakeDevice.keys.keys.toSet())
            assertNotEquals(key, vault.createKey(PROFILE))
        }

    @Test
    fun manyAtOnceMakeOneKey() =
        runBlocking {
            val keys = List(8) { async(Dispatchers.IO) { AndroidKeyStoreVault(app).createKey(PROFILE) } }.awaitAll()
            assertEquals(1, keys.toSet().size)
            assertEquals(1, wrapping.encryptions)
        }

    @Test
    fun whatIsNoProfileNamesNoFile() {
        for (name in listOf("", "../${PROFILE.value}", PROFILE.value.uppercase(), "${PROFILE.value}0")) {
            assertEquals(NOT_READY, failure { vault.createKey(ProfileId(name)) })
        }
        assertEquals(
            emptyList(),
            app.noBackupFilesDir
                .walk()
                .filter { it.isFile }
                .toList(),
        )
    }
}
