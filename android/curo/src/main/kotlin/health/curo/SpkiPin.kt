package health.curo

import health.curo.ffi.pinFromSha256
import health.curo.ffi.pinOfPublicKey

/** The SHA-256 of a relay's public key: sha256/ and 44 characters of base64. */
@JvmInline
public value class SpkiPin(
    /** As text. */
    public val value: String,
) {
    override fun toString(): String = value

    /** Makes pins. */
    public companion object {
        /** The pin of a public key (SubjectPublicKeyInfo, DER): what `java.security.PublicKey.getEncoded` gives. */
        public suspend fun ofPublicKey(spki: ByteArray): SpkiPin = call { SpkiPin(pinOfPublicKey(spki)) }

        /** The pin with this SHA-256. Fails with [ErrorCode.INVALID_ARGUMENT] for another length than 32 bytes. */
        public suspend fun fromSha256(hash: ByteArray): SpkiPin = call { SpkiPin(pinFromSha256(hash)) }
    }
}
