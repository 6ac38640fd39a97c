package health.curo

import java.util.Objects
import health.curo.ffi.ConversationListSnapshot as GeneratedConversationListSnapshot

/** What the list shows. */
public class ConversationsState(
    /** Rises with each snapshot; it has no other meaning. */
    public val revision: Long,
    /** Whether the client is locked. There are no items then. */
    public val locked: Boolean,
    /** The conversation with the newest activity first. One with the same id and revision as before is unchanged. */
    public val items: List<ConversationItem>,
    /** What lies before the first. */
    public val newer: Edge,
    /** What lies behind the last. */
    public val older: Edge,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is ConversationsState &&
            revision == other.revision &&
            locked == other.locked &&
            items == other.items &&
            newer == other.newer &&
            older == other.older

    override fun hashCode(): Int = Objects.hash(revision, locked, items, newer, older)

    override fun toString(): String =
        "ConversationsState(revision=$revision, locked=$locked, items=${items.size}, newer=$newer, older=$older)"
}

/** An item that has not changed is the same instance as before. */
internal fun GeneratedConversationListSnapshot.toPublic(
    previous: Map<ConversationId, ConversationItem>,
): ConversationsState =
    ConversationsState(
        revision = revision,
        locked = locked,
        items =
            items.map { item ->
                previous[ConversationId(item.id)]?.takeIf { it.revision == item.revision }
                    ?: item.toPublic()
            },
        newer = newer.toPublic(),
        older = older.toPublic(),
    )
