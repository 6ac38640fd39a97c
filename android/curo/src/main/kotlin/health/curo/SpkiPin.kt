package health.curo

/** The SHA-256 of a relay's public key: sha256/ and 44 characters of base64. */
@JvmInline
public value class SpkiPin(
    /** As text. */
    public val value: String,
) {
    override fun toString(): String = value
}
