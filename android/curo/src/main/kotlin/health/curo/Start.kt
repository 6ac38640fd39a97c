package health.curo

import health.curo.ffi.Start as GeneratedStart

/** Where a timeline begins. */
public sealed interface Start {
    /** At the first message of somebody else that is not read yet; at the newest, if all are read. */
    public data object FirstUnread : Start

    /** At the newest item. */
    public data object Newest : Start

    /** At one item, with others around it; at the newest, if it is not on this device. */
    public class At(
        /** Which. */
        public val key: ItemKey,
    ) : Start {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is At &&
                key == other.key

        override fun hashCode(): Int = key.hashCode()

        override fun toString(): String = "At(key=$key)"
    }
}

internal fun Start.toGenerated(): GeneratedStart =
    when (this) {
        Start.FirstUnread -> GeneratedStart.FirstUnread
        Start.Newest -> GeneratedStart.Newest
        is Start.At -> GeneratedStart.At(key.value.wellFormed())
    }
