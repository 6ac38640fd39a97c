package health.curo

/** A tenant: 1 to 63 characters of a-z, 0-9 and inner hyphens. */
@JvmInline
public value class TenantId(
    /** As text. */
    public val value: String,
) {
    override fun toString(): String = value
}
