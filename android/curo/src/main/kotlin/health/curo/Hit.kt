package health.curo

import java.time.Instant
import java.util.Objects
import health.curo.ffi.Hit as GeneratedHit

/** A message that was found. */
public class Hit(
    /** The conversation. */
    public val conversation: ConversationId,
    /** The message. */
    public val message: MessageRef,
    /** Its place in the timeline. */
    public val cursor: Cursor,
    /** Who sent it. */
    public val sender: UserId?,
    /** When the relay accepted it. */
    public val acceptedAt: Instant?,
    /** The part of its text around the first find, at most 240 characters. */
    public val snippet: String,
    /** What was found in the snippet, in order, none overlapping. */
    public val highlights: List<Highlight>,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is Hit &&
            conversation == other.conversation &&
            message == other.message &&
            cursor == other.cursor &&
            sender == other.sender &&
            acceptedAt == other.acceptedAt &&
            snippet == other.snippet &&
            highlights == other.highlights

    override fun hashCode(): Int = Objects.hash(conversation, message, cursor, sender, acceptedAt, snippet, highlights)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String =
        "Hit(conversation=$conversation, message=$message, cursor=$cursor, sender=$sender, " +
            "highlights=${highlights.size}, …)"
}

internal fun GeneratedHit.toPublic(): Hit =
    Hit(
        conversation = ConversationId(conversation),
        message = message.toPublic(),
        cursor = Cursor(cursor),
        sender = sender?.let { UserId(it) },
        acceptedAt = acceptedMs?.let { Instant.ofEpochMilli(it) },
        snippet = snippet,
        highlights = highlights.map { it.toPublic() },
    )
