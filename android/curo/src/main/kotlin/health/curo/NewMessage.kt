package health.curo

import java.util.Objects
import health.curo.ffi.NewMessage as GeneratedNewMessage

/** A message to send. */
public class NewMessage(
    /** The text. */
    public val text: String,
    /** Users that it mentions, at most 64. */
    public val mentions: List<UserId> = emptyList(),
    /** How soon it wants to be seen. */
    public val priority: Priority = Priority.ROUTINE,
    /** The message that it answers. */
    public val replyTo: MessageRef? = null,
    /** The first message of the thread that it is in. */
    public val thread: MessageRef? = null,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is NewMessage &&
            text == other.text &&
            mentions == other.mentions &&
            priority == other.priority &&
            replyTo == other.replyTo &&
            thread == other.thread

    override fun hashCode(): Int = Objects.hash(text, mentions, priority, replyTo, thread)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String =
        "NewMessage(mentions=${mentions.size}, priority=$priority, replyTo=$replyTo, thread=$thread, …)"
}

internal fun NewMessage.toGenerated(): GeneratedNewMessage =
    GeneratedNewMessage(
        text = text.wellFormed(),
        mentions = mentions.map { it.value.wellFormed() },
        priority = priority.toGenerated(),
        replyTo = replyTo?.toGenerated(),
        thread = thread?.toGenerated(),
    )
