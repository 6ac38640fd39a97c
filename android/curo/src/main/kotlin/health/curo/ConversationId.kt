package health.curo

/** A conversation: 32 lower-case hexadecimal digits. */
@JvmInline
public value class ConversationId(
    /** As text. */
    public val value: String,
) {
    override fun toString(): String = value
}
