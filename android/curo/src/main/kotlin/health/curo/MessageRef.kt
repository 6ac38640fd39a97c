package health.curo

import java.util.Objects
import health.curo.ffi.MessageRef as GeneratedMessageRef

/** How calls refer to a message. */
public class MessageRef(
    /** The sending device. */
    public val sender: DeviceId,
    /** The message's id. */
    public val message: MessageId,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is MessageRef &&
            sender == other.sender &&
            message == other.message

    override fun hashCode(): Int = Objects.hash(sender, message)

    override fun toString(): String = "MessageRef(sender=$sender, message=$message)"
}

internal fun GeneratedMessageRef.toPublic(): MessageRef =
    MessageRef(sender = DeviceId(sender), message = MessageId(message))

internal fun MessageRef.toGenerated(): GeneratedMessageRef =
    GeneratedMessageRef(sender = sender.value.wellFormed(), message = message.value.wellFormed())
