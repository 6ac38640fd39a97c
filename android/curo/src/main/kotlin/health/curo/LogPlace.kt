package health.curo

import java.util.Objects
import health.curo.ffi.LogPlace as GeneratedLogPlace

/** A place in a conversation's log. */
public class LogPlace(
    /** The incarnation. */
    public val incarnation: Long,
    /** The sequence number in it. */
    public val sequence: Long,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is LogPlace &&
            incarnation == other.incarnation &&
            sequence == other.sequence

    override fun hashCode(): Int = Objects.hash(incarnation, sequence)

    override fun toString(): String = "LogPlace(incarnation=$incarnation, sequence=$sequence)"
}

internal fun GeneratedLogPlace.toPublic(): LogPlace = LogPlace(incarnation = incarnation, sequence = sequence)
