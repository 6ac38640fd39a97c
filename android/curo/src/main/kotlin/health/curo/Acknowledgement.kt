package health.curo

import java.time.Instant
import java.util.Objects
import health.curo.ffi.Acknowledgement as GeneratedAcknowledgement

/** Who has taken note of an urgent message. */
public class Acknowledgement(
    /** Who. */
    public val user: UserId,
    /** When the relay accepted it; none while it is unsent. */
    public val acceptedAt: Instant?,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is Acknowledgement &&
            user == other.user &&
            acceptedAt == other.acceptedAt

    override fun hashCode(): Int = Objects.hash(user, acceptedAt)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String = "Acknowledgement(user=$user, …)"
}

internal fun GeneratedAcknowledgement.toPublic(): Acknowledgement =
    Acknowledgement(user = UserId(user), acceptedAt = acceptedMs?.let { Instant.ofEpochMilli(it) })
