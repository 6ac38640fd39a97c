package health.curo.android

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyInfo
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.KeyProperties
import android.security.keystore.StrongBoxUnavailableException
import android.security.keystore.UserNotAuthenticatedException
import org.robolectric.shadow.api.Shadow
import org.robolectric.util.ReflectionHelpers
import java.io.InputStream
import java.io.OutputStream
import java.security.AlgorithmParameters
import java.security.InvalidAlgorithmParameterException
import java.security.InvalidKeyException
import java.security.Key
import java.security.KeyStoreSpi
import java.security.Provider
import java.security.SecureRandom
import java.security.Security
import java.security.cert.Certificate
import java.security.spec.AlgorithmParameterSpec
import java.security.spec.KeySpec
import java.util.Collections
import java.util.Date
import java.util.Enumeration
import java.util.concurrent.ConcurrentHashMap
import javax.crypto.Cipher
import javax.crypto.CipherSpi
import javax.crypto.KeyGeneratorSpi
import javax.crypto.SecretKey
import javax.crypto.SecretKeyFactorySpi
import javax.crypto.spec.SecretKeySpec

/** The device's secure hardware, as far as the vault sees it. It outlives apps and restarts. */
object FakeDevice {
    val keys = ConcurrentHashMap<String, FakeKey>()

    /** Whether the person has just authenticated. */
    var authenticated = true

    /** Whether the screen lock was removed since the keys were made. */
    var invalidated = false

    /** Whether there is a StrongBox. */
    var strongBox = false

    /** What every use of a key fails with. */
    var broken: Exception? = null

    /** What looking for a key fails with. */
    var silent: Exception? = null

    /** A device as it comes from the factory. */
    fun reset() {
        keys.clear()
        authenticated = true
        invalidated = false
        strongBox = false
        broken = null
        silent = null
        boot()
    }

    /** Starts the device: what was kept in memory is gone, the keys are not. */
    fun boot() {
        Security.removeProvider(NAME)
        Security.insertProviderAt(FakeAndroidKeyStore(), 1)
    }

    const val NAME = "AndroidKeyStore"
}

/** A key of the device: usable, but not to be read. */
class FakeKey(
    val secret: ByteArray,
    val spec: KeyGenParameterSpec,
) : SecretKey {
    /** How often it has encrypted. */
    var encryptions = 0

    override fun getAlgorithm() = "AES"

    override fun getFormat(): String? = null

    override fun getEncoded(): ByteArray? = null
}

/** AndroidKeyStore's side of the JCA, as strict as the real one where the vault could be wrong. */
class FakeAndroidKeyStore : Provider(FakeDevice.NAME, "1", "a stand-in") {
    init {
        put("KeyStore.${FakeDevice.NAME}", Store::class.java.name)
        put("KeyGenerator.AES", Generator::class.java.name)
        put("SecretKeyFactory.AES", Factory::class.java.name)
        put("Cipher.AES/GCM/NoPadding", Gcm::class.java.name)
        put("Cipher.AES/GCM/NoPadding SupportedKeyClasses", FakeKey::class.java.name)
    }

    class Generator : KeyGeneratorSpi() {
        private lateinit var spec: KeyGenParameterSpec

        override fun engineInit(random: SecureRandom?) = throw IllegalStateException("needs a spec")

        override fun engineInit(
            size: Int,
            random: SecureRandom?,
        ) = throw IllegalStateException("needs a spec")

        override fun engineInit(
            parameters: AlgorithmParameterSpec?,
            random: SecureRandom?,
        ) {
            spec = parameters as? KeyGenParameterSpec ?: throw InvalidAlgorithmParameterException()
        }

        override fun engineGenerateKey(): SecretKey {
            if (spec.isStrongBoxBacked && !FakeDevice.strongBox) throw StrongBoxUnavailableException()
            val secret = ByteArray(spec.keySize / 8).also { SecureRandom().nextBytes(it) }
            return FakeKey(secret, spec).also { FakeDevice.keys[spec.keystoreAlias] = it }
        }
    }

    class Factory : SecretKeyFactorySpi() {
        override fun engineGetKeySpec(
            key: SecretKey,
            type: Class<*>,
        ): KeySpec {
            check(type == KeyInfo::class.java)
            val strongBox = (key as FakeKey).spec.isStrongBoxBacked
            val level =
                KeyProperties.SECURITY_LEVEL_STRONGBOX.takeIf { strongBox }
                    ?: KeyProperties.SECURITY_LEVEL_TRUSTED_ENVIRONMENT
            return Shadow.newInstanceOf(KeyInfo::class.java).also {
                ReflectionHelpers.setField(it, "mSecurityLevel", level)
                ReflectionHelpers.setField(it, "mInsideSecureHardware", true)
            }
        }

        override fun engineGenerateSecret(spec: KeySpec?): SecretKey = throw UnsupportedOperationException()

        override fun engineTranslateKey(key: SecretKey?): SecretKey = throw UnsupportedOperationException()
    }

    class Gcm : CipherSpi() {
        private lateinit var cipher: Cipher

        private fun begin(
            mode: Int,
            key: Key?,
            parameters: AlgorithmParameterSpec?,
        ) {
            if (key !is FakeKey) throw InvalidKeyException()
            FakeDevice.broken?.let { throw it }
            if (FakeDevice.invalidated) throw KeyPermanentlyInvalidatedException()
            if (key.spec.isUserAuthenticationRequired &&
                !FakeDevice.authenticated
            ) {
                throw UserNotAuthenticatedException()
            }
            if (mode == Cipher.ENCRYPT_MODE) {
                if (parameters != null) throw InvalidAlgorithmParameterException("Caller-provided IV not permitted")
                key.encryptions += 1
            }
            cipher = Cipher.getInstance("AES/GCM/NoPadding", "SunJCE")
            cipher.init(mode, SecretKeySpec(key.secret, "AES"), parameters)
        }

        override fun engineInit(
            mode: Int,
            key: Key?,
            random: SecureRandom?,
        ) = begin(mode, key, null)

        override fun engineInit(
            mode: Int,
            key: Key?,
            parameters: AlgorithmParameterSpec?,
            random: SecureRandom?,
        ) = begin(mode, key, parameters)

        override fun engineInit(
            mode: Int,
            key: Key?,
            parameters: AlgorithmParameters?,
            random: SecureRandom?,
        ) = throw InvalidKeyException()

        override fun engineSetMode(mode: String?) = Unit

        override fun engineSetPadding(padding: String?) = Unit

        override fun engineGetBlockSize() = 16

        override fun engineGetOutputSize(size: Int) = cipher.getOutputSize(size)

        override fun engineGetIV(): ByteArray = cipher.iv

        override fun engineGetParameters(): AlgorithmParameters = cipher.parameters

        override fun engineUpdateAAD(
            bytes: ByteArray?,
            offset: Int,
            size: Int,
        ) = cipher.updateAAD(bytes, offset, size)

        override fun engineUpdate(
            bytes: ByteArray?,
            offset: Int,
            size: Int,
        ): ByteArray? = cipher.update(bytes, offset, size)

        override fun engineUpdate(
            bytes: ByteArray?,
            offset: Int,
            size: Int,
            output: ByteArray?,
            outputOffset: Int,
        ) = cipher.update(bytes, offset, size, output, outputOffset)

        override fun engineDoFinal(
            bytes: ByteArray?,
            offset: Int,
            size: Int,
        ): ByteArray = cipher.doFinal(bytes, offset, size)

        override fun engineDoFinal(
            bytes: ByteArray?,
            offset: Int,
            size: Int,
            output: ByteArray?,
            outputOffset: Int,
        ) = cipher.doFinal(bytes, offset, size, output, outputOffset)
    }

    class Store : KeyStoreSpi() {
        override fun engineGetKey(
            alias: String,
            password: CharArray?,
        ): Key? {
            FakeDevice.silent?.let { throw it }
            return FakeDevice.keys[alias]
        }

        override fun engineContainsAlias(alias: String) = FakeDevice.keys.containsKey(alias)

        override fun engineDeleteEntry(alias: String) {
            checkNotNull(FakeDevice.keys.remove(alias)) { "no such entry" }
        }

        override fun engineLoad(
            stream: InputStream?,
            password: CharArray?,
        ) = check(stream == null && password == null)

        override fun engineAliases(): Enumeration<String> = Collections.enumeration(FakeDevice.keys.keys)

        override fun engineSize() = FakeDevice.keys.size

        override fun engineIsKeyEntry(alias: String) = engineContainsAlias(alias)

        override fun engineIsCertificateEntry(alias: String) = false

        override fun engineGetCertificate(alias: String): Certificate? = null

        override fun engineGetCertificateChain(alias: String): Array<Certificate>? = null

        override fun engineGetCertificateAlias(certificate: Certificate?): String? = null

        override fun engineGetCreationDate(alias: String) = Date()

        override fun engineSetKeyEntry(
            alias: String?,
            key: Key?,
            password: CharArray?,
            chain: Array<out Certificate>?,
        ) = throw UnsupportedOperationException()

        override fun engineSetKeyEntry(
            alias: String?,
            key: ByteArray?,
            chain: Array<out Certificate>?,
        ) = throw UnsupportedOperationException()

        override fun engineSetCertificateEntry(
            alias: String?,
            certificate: Certificate?,
        ) = throw UnsupportedOperationException()

        override fun engineStore(
            stream: OutputStream?,
            password: CharArray?,
        ) = throw UnsupportedOperationException()
    }
}
