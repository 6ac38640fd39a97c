package health.curo

import java.util.Objects
import health.curo.ffi.Quote as GeneratedQuote

/** The message that another answers, as far as it is here. */
public class Quote(
    /** Which. */
    public val message: MessageRef,
    /** Who sent it; none if it is not on this device. */
    public val sender: UserId?,
    /** What it says now, at most 200 characters; none if it is not here, deleted or no text. */
    public val text: String?,
    /** Whether it was deleted. */
    public val deleted: Boolean,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is Quote &&
            message == other.message &&
            sender == other.sender &&
            text == other.text &&
            deleted == other.deleted

    override fun hashCode(): Int = Objects.hash(message, sender, text, deleted)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String = "Quote(message=$message, sender=$sender, deleted=$deleted, …)"
}

internal fun GeneratedQuote.toPublic(): Quote =
    Quote(
        message = message.toPublic(),
        sender = sender?.let { UserId(it) },
        text = text,
        deleted = deleted,
    )
