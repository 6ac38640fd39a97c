package health.curo

/** A profile of this installation: 32 lower-case hexadecimal digits. Never leaves the device. */
@JvmInline
public value class ProfileId(
    /** As text. */
    public val value: String,
) {
    override fun toString(): String = value
}
