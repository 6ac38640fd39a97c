package health.curo

import java.time.Instant
import java.util.Objects
import health.curo.ffi.Item as GeneratedItem

/** One item of a page. */
public class Item(
    /** Its place. */
    public val cursor: Cursor,
    /** When the relay accepted it; none while it is unsent. */
    public val acceptedAt: Instant?,
    /** What it is. */
    public val entry: Entry,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is Item &&
            cursor == other.cursor &&
            acceptedAt == other.acceptedAt &&
            entry == other.entry

    override fun hashCode(): Int = Objects.hash(cursor, acceptedAt, entry)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String = "Item(cursor=$cursor, entry=$entry, …)"
}

internal fun GeneratedItem.toPublic(): Item =
    Item(
        cursor = Cursor(cursor),
        acceptedAt = acceptedMs?.let { Instant.ofEpochMilli(it) },
        entry = entry.toPublic(),
    )
