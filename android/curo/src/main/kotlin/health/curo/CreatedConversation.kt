package health.curo

import java.util.Objects
import health.curo.ffi.CreatedConversation as GeneratedCreatedConversation

/** A conversation that was asked for. */
public class CreatedConversation(
    /** Its id. It can be used at once, also offline. */
    public val id: ConversationId,
    /** Its creation, whose outcome the conversation's intent call tells. */
    public val intent: IntentId,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is CreatedConversation &&
            id == other.id &&
            intent == other.intent

    override fun hashCode(): Int = Objects.hash(id, intent)

    override fun toString(): String = "CreatedConversation(id=$id, intent=$intent)"
}

internal fun GeneratedCreatedConversation.toPublic(): CreatedConversation =
    CreatedConversation(id = ConversationId(id), intent = IntentId(intent))
