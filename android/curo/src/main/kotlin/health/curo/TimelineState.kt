package health.curo

import java.util.Objects
import health.curo.ffi.TimelineSnapshot as GeneratedTimelineSnapshot

/** What a timeline shows. */
public class TimelineState(
    /** Rises with each snapshot; it has no other meaning. */
    public val revision: Long,
    /** Whether the client is locked. There are no items then. */
    public val locked: Boolean,
    /**
     * At most 300 items in display order, the oldest first. One with the same key and revision as before is unchanged.
     */
    public val items: List<TimelineItem>,
    /** What lies before the first. */
    public val older: Edge,
    /** What lies behind the last. */
    public val newer: Edge,
    /** Messages of others that have come and are not in the window; 1,000 means as many or more. */
    public val newBelow: Int,
    /** The item that was asked for by the start or the last jump: where a screen begins. */
    public val anchor: ItemKey?,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is TimelineState &&
            revision == other.revision &&
            locked == other.locked &&
            items == other.items &&
            older == other.older &&
            newer == other.newer &&
            newBelow == other.newBelow &&
            anchor == other.anchor

    override fun hashCode(): Int = Objects.hash(revision, locked, items, older, newer, newBelow, anchor)

    override fun toString(): String =
        "TimelineState(revision=$revision, locked=$locked, items=${items.size}, older=$older, newer=$newer, " +
            "newBelow=$newBelow, anchor=$anchor)"
}

/** An item that has not changed is the same instance as before. */
internal fun GeneratedTimelineSnapshot.toPublic(previous: Map<ItemKey, TimelineItem>): TimelineState =
    TimelineState(
        revision = revision,
        locked = locked,
        items =
            items.map { item ->
                previous[ItemKey(item.key)]?.takeIf { it.revision == item.revision }
                    ?: item.toPublic()
            },
        older = older.toPublic(),
        newer = newer.toPublic(),
        newBelow = newBelow.toCount(),
        anchor = anchor?.let { ItemKey(it) },
    )
