package health.curo

import java.util.Objects
import health.curo.ffi.TimelineItem as GeneratedTimelineItem

/** One item of a timeline's window. */
public class TimelineItem(
    /** Its name, the same for life. */
    public val key: ItemKey,
    /** Another one whenever anything about the item has changed. */
    public val revision: Long,
    /** What it is. */
    public val item: Item,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is TimelineItem &&
            key == other.key &&
            revision == other.revision &&
            item == other.item

    override fun hashCode(): Int = Objects.hash(key, revision, item)

    override fun toString(): String = "TimelineItem(key=$key, revision=$revision, item=$item)"
}

internal fun GeneratedTimelineItem.toPublic(): TimelineItem =
    TimelineItem(key = ItemKey(key), revision = revision, item = item.toPublic())
