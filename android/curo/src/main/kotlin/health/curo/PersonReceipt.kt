package health.curo

import java.time.Instant
import java.util.Objects
import health.curo.ffi.PersonReceipt as GeneratedPersonReceipt

/** Whether somebody has a message and has read it. */
public class PersonReceipt(
    /** Who. */
    public val user: UserId,
    /** Whether a device of theirs has it. */
    public val delivered: Boolean,
    /** Whether they have read it, as their devices say. */
    public val read: Boolean,
    /** They had read it at this time at the latest. */
    public val readBy: Instant?,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is PersonReceipt &&
            user == other.user &&
            delivered == other.delivered &&
            read == other.read &&
            readBy == other.readBy

    override fun hashCode(): Int = Objects.hash(user, delivered, read, readBy)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String = "PersonReceipt(user=$user, delivered=$delivered, read=$read, …)"
}

internal fun GeneratedPersonReceipt.toPublic(): PersonReceipt =
    PersonReceipt(
        user = UserId(user),
        delivered = delivered,
        read = read,
        readBy = readByMs?.let { Instant.ofEpochMilli(it) },
    )
