package health.curo

import java.util.Objects
import health.curo.ffi.Page as GeneratedPage

/** One page of a timeline. */
public class Page(
    /** Items in display order, oldest first. */
    public val items: List<Item>,
    /** Goes on to older items; none if there are none. */
    public val older: Cursor?,
    /** Goes on to newer items; none if there are none at the moment. */
    public val newer: Cursor?,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is Page &&
            items == other.items &&
            older == other.older &&
            newer == other.newer

    override fun hashCode(): Int = Objects.hash(items, older, newer)

    override fun toString(): String = "Page(items=${items.size}, older=$older, newer=$newer)"
}

internal fun GeneratedPage.toPublic(): Page =
    Page(
        items = items.map { it.toPublic() },
        older = older?.let { Cursor(it) },
        newer = newer?.let { Cursor(it) },
    )
