package health.curo.testing

import health.curo.AccessContext
import health.curo.ConversationId
import java.util.Objects

/** A call that was made on a fake. */
public class RecordedCall(
    /** The function's name: `send` for example. */
    public val name: String,
    /** On which conversation; none for one on the client. */
    public val conversation: ConversationId?,
    /** What it was given, in the order of its parameters. */
    public val arguments: List<Any?>,
    /** The reason that its handle was made for. */
    public val access: AccessContext?,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is RecordedCall &&
            name == other.name &&
            conversation == other.conversation &&
            arguments == other.arguments &&
            access == other.access

    override fun hashCode(): Int = Objects.hash(name, conversation, arguments, access)

    /** Names the call, and nothing that it was given. */
    override fun toString(): String = "$name(${arguments.size})"
}
