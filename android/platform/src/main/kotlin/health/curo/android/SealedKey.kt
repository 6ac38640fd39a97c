package health.curo.android

import health.curo.ProfileId
import health.curo.StoreKey
import health.curo.VaultException
import health.curo.VaultFailure

private val MAGIC = "curoaks".toByteArray() + 1
private const val IV_SIZE = 12
private const val TAG_SIZE = 16
private const val FLAGS_AT = 8
private const val IV_AT = FLAGS_AT + 1
private const val SEALED_AT = IV_AT + IV_SIZE
private const val IN_STRONG_BOX: Byte = 1

/**
 * A store's key as its file holds it, 85 bytes: `"curoaks"`, version 1, a byte of flags (1: the wrapping key was made in
 * StrongBox), 12 bytes of IV, then AES-256-GCM of the key (48 bytes and a 16-byte tag), with the first 9 bytes and the
 * profile's id as associated data.
 */
internal class SealedKey private constructor(
    private val bytes: ByteArray,
) {
    val strongBox: Boolean get() = bytes[FLAGS_AT] == IN_STRONG_BOX

    fun toByteArray(): ByteArray = bytes

    fun open(
        key: WrappingKey,
        profile: ProfileId,
    ): StoreKey {
        val encrypted = WrappingKey.Encrypted(bytes.copyOfRange(IV_AT, SEALED_AT), bytes.copyOfRange(SEALED_AT, SIZE))
        val plain = key.decrypt(encrypted, associated(bytes, profile))
        try {
            return StoreKey(plain)
        } finally {
            plain.fill(0)
        }
    }

    companion object {
        /** How many bytes it has. */
        const val SIZE: Int = SEALED_AT + StoreKey.SIZE + TAG_SIZE

        /** Null for what cannot be one. */
        fun parse(bytes: ByteArray): SealedKey? {
            val known = bytes.size == SIZE && bytes.copyOf(MAGIC.size).contentEquals(MAGIC)
            return SealedKey(bytes).takeIf { known }
        }

        fun seal(
            key: StoreKey,
            wrapping: WrappingKey,
            profile: ProfileId,
        ): SealedKey {
            val head = MAGIC + if (wrapping.strongBox) IN_STRONG_BOX else 0
            val plain = key.toByteArray()
            val encrypted =
                try {
                    wrapping.encrypt(plain, associated(head, profile))
                } finally {
                    plain.fill(0)
                }
            // Another length would make a file that nobody can read.
            return parse(head + encrypted.iv + encrypted.bytes) ?: throw VaultException(VaultFailure.NOT_READY)
        }

        private fun associated(
            from: ByteArray,
            profile: ProfileId,
        ): ByteArray = from.copyOf(IV_AT) + profile.value.toByteArray()
    }
}
