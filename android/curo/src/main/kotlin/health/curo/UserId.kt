package health.curo

/** A user: 32 lower-case hexadecimal digits. Minted by the relay, never used again. */
@JvmInline
public value class UserId(
    /** As text. */
    public val value: String,
) {
    override fun toString(): String = value
}
