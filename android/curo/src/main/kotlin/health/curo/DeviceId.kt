package health.curo

/** A device: 32 lower-case hexadecimal digits. One installation for one user. */
@JvmInline
public value class DeviceId(
    /** As text. */
    public val value: String,
) {
    override fun toString(): String = value
}
