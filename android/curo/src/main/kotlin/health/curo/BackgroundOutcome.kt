package health.curo

import java.util.Objects
import health.curo.ffi.BackgroundOutcome as GeneratedBackgroundOutcome

/** What a pass without a person has done. */
public class BackgroundOutcome(
    /** Whether it came to its end; otherwise the next pass goes on from there. */
    public val complete: Boolean,
    /** Why it was cut off, as an error code, where it was not the deadline or a person. */
    public val code: ErrorCode?,
    /** Messages of others that arrived. */
    public val newMessages: Int,
    /** In which conversations they are. Ids are random and say nothing of people or content. */
    public val conversations: List<ConversationId>,
    /** Messages and intents that still wait to be sent. */
    public val waiting: Int,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is BackgroundOutcome &&
            complete == other.complete &&
            code == other.code &&
            newMessages == other.newMessages &&
            conversations == other.conversations &&
            waiting == other.waiting

    override fun hashCode(): Int = Objects.hash(complete, code, newMessages, conversations, waiting)

    override fun toString(): String =
        "BackgroundOutcome(complete=$complete, code=$code, newMessages=$newMessages, " +
            "conversations=${conversations.size}, waiting=$waiting)"
}

internal fun GeneratedBackgroundOutcome.toPublic(): BackgroundOutcome =
    BackgroundOutcome(
        complete = complete,
        code = code?.let { ErrorCode(it) },
        newMessages = newMessages.toCount(),
        conversations = conversations.map { ConversationId(it) },
        waiting = waiting.toCount(),
    )
