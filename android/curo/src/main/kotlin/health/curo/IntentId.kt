package health.curo

/** Something that was asked for: 32 lower-case hexadecimal digits. A message's own id is one, too. */
@JvmInline
public value class IntentId(
    /** As text. */
    public val value: String,
) {
    override fun toString(): String = value
}
