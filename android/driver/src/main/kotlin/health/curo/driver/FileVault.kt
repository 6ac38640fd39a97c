package health.curo.driver

import health.curo.KeyVault
import health.curo.ProfileId
import health.curo.StoreKey
import health.curo.VaultException
import health.curo.VaultFailure
import health.curo.VaultMode
import java.io.File
import java.io.IOException
import java.nio.channels.FileChannel
import java.nio.file.FileAlreadyExistsException
import java.nio.file.Files
import java.nio.file.NoSuchFileException
import java.nio.file.Path
import java.nio.file.StandardCopyOption
import java.nio.file.StandardOpenOption
import java.nio.file.attribute.PosixFilePermissions
import java.security.GeneralSecurityException
import java.security.SecureRandom
import javax.crypto.Cipher
import javax.crypto.spec.GCMParameterSpec
import javax.crypto.spec.SecretKeySpec

private const val NONCE = 12
private const val TAG_BITS = 128
private const val WRAPPING_KEY = 32

/**
 * A vault in a folder, with an answer of its own while it is told one. Each profile's key is a file: 12 bytes of nonce,
 * then AES-256-GCM of the key under `wrapping.key`, with the profile as associated data.
 *
 * For tests only: whoever reads the folder has the stores.
 */
internal class FileVault(
    private val folder: File,
    mode: String,
) : KeyVault {
    override val mode: VaultMode =
        when (mode) {
            "background" -> VaultMode.BACKGROUND
            "user_presence" -> VaultMode.USER_PRESENCE
            else -> bad("`mode` is background or user_presence")
        }

    private val random = SecureRandom()
    private val wrapping = SecretKeySpec(wrappingKey(), "AES")

    @Volatile
    private var refuses: VaultFailure? = null

    /** What it answers from now on: `key`, or one of the four errors. */
    fun answers(how: String) {
        refuses =
            when (how) {
                "key" -> null
                "not_ready" -> VaultFailure.NOT_READY
                "user_auth_needed" -> VaultFailure.USER_AUTH_NEEDED
                "invalidated" -> VaultFailure.INVALIDATED
                "missing" -> VaultFailure.MISSING
                else -> bad("`answers` is key, not_ready, user_auth_needed, invalidated or missing")
            }
    }

    override suspend fun loadKey(profile: ProfileId): StoreKey {
        look()
        return load(profile) ?: throw VaultException(VaultFailure.MISSING)
    }

    override suspend fun createKey(profile: ProfileId): StoreKey {
        look()
        load(profile)?.let { return it }
        val key = StoreKey.random()
        val nonce = ByteArray(NONCE).also(random::nextBytes)
        replace(file(profile), nonce + cipher(Cipher.ENCRYPT_MODE, nonce, profile).doFinal(key.toByteArray()))
        return key
    }

    override suspend fun destroyKey(profile: ProfileId) {
        Files.deleteIfExists(file(profile))
        sync(folder.toPath())
    }

    private fun look() {
        refuses?.let { throw VaultException(it) }
    }

    /** Null where there is none. What the file system says counts as a vault that is not ready. */
    private fun load(profile: ProfileId): StoreKey? {
        val sealed =
            try {
                Files.readAllBytes(file(profile))
            } catch (_: NoSuchFileException) {
                return null
            }
        return try {
            val cipher = cipher(Cipher.DECRYPT_MODE, sealed.copyOf(NONCE), profile)
            StoreKey(cipher.doFinal(sealed, NONCE, sealed.size - NONCE))
        } catch (_: GeneralSecurityException) {
            throw VaultException(VaultFailure.INVALIDATED)
        } catch (_: IllegalArgumentException) {
            // Too short, or not a key's length.
            throw VaultException(VaultFailure.INVALIDATED)
        }
    }

    private fun cipher(
        mode: Int,
        nonce: ByteArray,
        profile: ProfileId,
    ): Cipher =
        Cipher.getInstance("AES/GCM/NoPadding").apply {
            init(mode, wrapping, GCMParameterSpec(TAG_BITS, nonce))
            updateAAD(profile.value.toByteArray())
        }

    private fun file(profile: ProfileId): Path = folder.toPath().resolve("${profile.value}.key")

    /** The file's, made if there is none: linked when it is whole, so that two apps of a phone have the same. */
    private fun wrappingKey(): ByteArray =
        try {
            Files.createDirectories(folder.toPath())
            val path = folder.toPath().resolve("wrapping.key")
            if (!Files.exists(path)) {
                val made = folder.toPath().resolve("wrapping.${ProcessHandle.current().pid()}.tmp")
                replace(made, ByteArray(WRAPPING_KEY).also(random::nextBytes))
                try {
                    Files.createLink(path, made)
                } catch (_: FileAlreadyExistsException) {
                    // The other app was first.
                }
                Files.delete(made)
                sync(folder.toPath())
            }
            Files.readAllBytes(path).also { if (it.size != WRAPPING_KEY) bad("no vault: wrapping.key is no key") }
        } catch (failure: IOException) {
            bad("no vault: $failure")
        }
}

/** Writes a file that only its owner reads, whole or not at all, and durably. */
private fun replace(
    path: Path,
    bytes: ByteArray,
) {
    val whole = path.resolveSibling("${path.fileName}.new")
    Files.deleteIfExists(whole)
    Files.createFile(whole, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))
    Files.write(whole, bytes, StandardOpenOption.WRITE, StandardOpenOption.SYNC)
    Files.move(whole, path, StandardCopyOption.ATOMIC_MOVE)
    sync(path.parent)
}

private fun sync(folder: Path) {
    FileChannel.open(folder, StandardOpenOption.READ).use { it.force(true) }
}
