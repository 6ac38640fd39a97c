package health.curo

import java.util.Objects
import health.curo.ffi.Unread as GeneratedUnread

/** What is unread in conversations that are not muted. */
public class Unread(
    /** Messages. */
    public val messages: Int,
    /** Conversations that have any. */
    public val conversations: Int,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is Unread &&
            messages == other.messages &&
            conversations == other.conversations

    override fun hashCode(): Int = Objects.hash(messages, conversations)

    override fun toString(): String = "Unread(messages=$messages, conversations=$conversations)"
}

internal fun GeneratedUnread.toPublic(): Unread =
    Unread(messages = messages.toCount(), conversations = conversations.toCount())
