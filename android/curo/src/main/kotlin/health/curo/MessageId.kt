package health.curo

import java.security.SecureRandom

/** A message: 32 lower-case hexadecimal digits, unique together with the sending device. */
@JvmInline
public value class MessageId(
    /** As text. */
    public val value: String,
) {
    /** The intent that sends this message: for a conversation's `retry`, `cancel` and `intent`. */
    public val intent: IntentId get() = IntentId(value)

    override fun toString(): String = value

    /** Makes ids. */
    public companion object {
        private val source = SecureRandom()

        /** A new random id: 128 bits. */
        public fun random(): MessageId {
            val bytes = ByteArray(16).also(source::nextBytes)
            return MessageId(bytes.joinToString("") { "%02x".format(it) })
        }
    }
}
