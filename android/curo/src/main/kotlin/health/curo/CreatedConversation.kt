package health.curo

import java.util.Objects

/** A conversation that was asked for. */
public class CreatedConversation(
    /** The conversation. It can be used at once, also offline. */
    public val conversation: Conversation,
    /** Its creation, whose outcome the conversation's intent call tells. */
    public val intent: IntentId,
) {
    /** Its id. */
    public val id: ConversationId get() = conversation.id

    override fun equals(other: Any?): Boolean =
        this === other ||
            other is CreatedConversation &&
            id == other.id &&
            intent == other.intent

    override fun hashCode(): Int = Objects.hash(id, intent)

    override fun toString(): String = "CreatedConversation(id=$id, intent=$intent)"
}
