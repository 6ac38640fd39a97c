package health.curo

import java.util.Objects
import health.curo.ffi.ConversationItem as GeneratedConversationItem

/** One conversation in the list. */
public class ConversationItem(
    /** The conversation. */
    public val id: ConversationId,
    /** Another one whenever anything about the row has changed. */
    public val revision: Long,
    /** What to show of it. */
    public val row: ConversationSummary,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is ConversationItem &&
            id == other.id &&
            revision == other.revision &&
            row == other.row

    override fun hashCode(): Int = Objects.hash(id, revision, row)

    override fun toString(): String = "ConversationItem(id=$id, revision=$revision, row=$row)"
}

internal fun GeneratedConversationItem.toPublic(): ConversationItem =
    ConversationItem(id = ConversationId(id), revision = revision, row = row.toPublic())
