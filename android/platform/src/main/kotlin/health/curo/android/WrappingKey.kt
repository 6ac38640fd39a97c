package health.curo.android

import android.os.Build
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyInfo
import android.security.keystore.KeyProperties
import android.security.keystore.StrongBoxUnavailableException
import java.security.KeyStore
import java.security.spec.AlgorithmParameterSpec
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.SecretKeyFactory
import javax.crypto.spec.GCMParameterSpec
import kotlin.time.Duration

private const val PROVIDER = "AndroidKeyStore"
private const val TRANSFORMATION = "AES/GCM/NoPadding"
private const val KEY_BITS = 256
private const val TAG_BITS = 128

/** A key of AndroidKeyStore under which a store's key is kept. Knows nothing of profiles and files. Blocks. */
internal class WrappingKey private constructor(
    private val key: SecretKey,
    /** Whether it was made in StrongBox; not known of one that was found. */
    val strongBox: Boolean,
) {
    /** Encrypts; AndroidKeyStore chooses the IV, and refuses anybody else's. */
    fun encrypt(
        plain: ByteArray,
        associated: ByteArray,
    ): Encrypted {
        val cipher = Cipher.getInstance(TRANSFORMATION)
        cipher.init(Cipher.ENCRYPT_MODE, key)
        cipher.updateAAD(associated)
        return Encrypted(cipher.iv, cipher.doFinal(plain))
    }

    fun decrypt(
        encrypted: Encrypted,
        associated: ByteArray,
    ): ByteArray {
        val cipher = Cipher.getInstance(TRANSFORMATION)
        cipher.init(Cipher.DECRYPT_MODE, key, GCMParameterSpec(TAG_BITS, encrypted.iv))
        cipher.updateAAD(associated)
        return cipher.doFinal(encrypted.bytes)
    }

    fun protection(): KeyProtection {
        val info = SecretKeyFactory.getInstance(key.algorithm, PROVIDER).getKeySpec(key, KeyInfo::class.java) as KeyInfo
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) return info.level()
        @Suppress("DEPRECATION")
        return if (info.isInsideSecureHardware) KeyProtection.SECURE_HARDWARE else KeyProtection.SOFTWARE
    }

    @NewerAndroid(Build.VERSION_CODES.S)
    private fun KeyInfo.level(): KeyProtection =
        when (securityLevel) {
            KeyProperties.SECURITY_LEVEL_STRONGBOX -> KeyProtection.STRONG_BOX
            KeyProperties.SECURITY_LEVEL_TRUSTED_ENVIRONMENT -> KeyProtection.SECURE_HARDWARE
            KeyProperties.SECURITY_LEVEL_UNKNOWN_SECURE -> KeyProtection.SECURE_HARDWARE
            KeyProperties.SECURITY_LEVEL_SOFTWARE -> KeyProtection.SOFTWARE
            else -> KeyProtection.UNKNOWN
        }

    /** What came of encrypting. */
    class Encrypted(
        val iv: ByteArray,
        val bytes: ByteArray,
    )

    companion object {
        /** The key of this name; null only where there is none for sure. */
        fun find(alias: String): WrappingKey? {
            val store = keyStore()
            val key = store.getKey(alias, null) as? SecretKey
            check(key != null || !store.containsAlias(alias)) { "a key that is there was not given" }
            return key?.let { WrappingKey(it, strongBox = false) }
        }

        /** Makes a key that can be used for so long after the person has authenticated, or, with null, without that. */
        fun make(
            alias: String,
            presence: Duration?,
            strongBox: Boolean,
        ): WrappingKey {
            if (strongBox && Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) {
                makeInStrongBox(alias, presence)?.let { return it }
            }
            return WrappingKey(generate(spec(alias, presence).build()), strongBox = false)
        }

        /** Null where this device has none: as if it had not been asked for. */
        @NewerAndroid(Build.VERSION_CODES.P)
        private fun makeInStrongBox(
            alias: String,
            presence: Duration?,
        ): WrappingKey? =
            try {
                val spec = spec(alias, presence).setIsStrongBoxBacked(true).build()
                WrappingKey(generate(spec), strongBox = true)
            } catch (_: StrongBoxUnavailableException) {
                null
            }

        /** Destroys it for good. Without one there is nothing to do. */
        fun destroy(alias: String) {
            val store = keyStore()
            if (store.containsAlias(alias)) store.deleteEntry(alias)
        }

        private fun keyStore(): KeyStore = KeyStore.getInstance(PROVIDER).apply { load(null) }

        private fun generate(spec: AlgorithmParameterSpec): SecretKey =
            KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, PROVIDER).apply { init(spec) }.generateKey()

        private fun spec(
            alias: String,
            presence: Duration?,
        ): KeyGenParameterSpec.Builder {
            val purposes = KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT
            val spec =
                KeyGenParameterSpec
                    .Builder(alias, purposes)
                    .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
                    .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
                    .setKeySize(KEY_BITS)
            if (presence == null) return spec
            spec.setUserAuthenticationRequired(true)
            val seconds = presence.inWholeSeconds.toInt()
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
                spec.authenticateBy(seconds)
            } else {
                @Suppress("DEPRECATION")
                spec.setUserAuthenticationValidityDurationSeconds(seconds)
            }
            return spec
        }

        @NewerAndroid(Build.VERSION_CODES.R)
        private fun KeyGenParameterSpec.Builder.authenticateBy(seconds: Int) {
            val means = KeyProperties.AUTH_BIOMETRIC_STRONG or KeyProperties.AUTH_DEVICE_CREDENTIAL
            setUserAuthenticationParameters(seconds, means)
        }
    }
}
