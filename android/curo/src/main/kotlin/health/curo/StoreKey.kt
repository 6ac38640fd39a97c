package health.curo

import java.security.MessageDigest
import java.security.SecureRandom

/** The key of a store: 48 bytes, as a vault keeps it. Fails with `IllegalArgumentException` for another length. */
public class StoreKey(
    bytes: ByteArray,
) {
    private val bytes: ByteArray = bytes.copyOf()

    init {
        require(bytes.size == SIZE) { "a store's key has $SIZE bytes" }
    }

    /** A copy of its bytes; overwrite it after use. */
    public fun toByteArray(): ByteArray = bytes.copyOf()

    /** Overwrites it. A vault that no longer needs it may say so. */
    public fun wipe() {
        bytes.fill(0)
    }

    /** Compares without telling by time where two keys differ. */
    override fun equals(other: Any?): Boolean = other is StoreKey && MessageDigest.isEqual(bytes, other.bytes)

    override fun hashCode(): Int = bytes.contentHashCode()

    /** Says nothing. */
    override fun toString(): String = "StoreKey(…)"

    /** Makes keys. */
    public companion object {
        /** How many bytes a key has. */
        public const val SIZE: Int = 48

        private val source = SecureRandom()

        /** A new random key. */
        public fun random(): StoreKey {
            val bytes = ByteArray(SIZE).also(source::nextBytes)
            return StoreKey(bytes).also { bytes.fill(0) }
        }
    }
}
