package health.curo

import java.util.Objects
import health.curo.ffi.UnsentChange as GeneratedUnsentChange

/** A change of this device to a message that the relay has not accepted yet. The message is shown with it. */
public class UnsentChange(
    /** For the conversation's retry and cancel. */
    public val intent: IntentId,
    /** How far it has come. */
    public val state: DeliveryState,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is UnsentChange &&
            intent == other.intent &&
            state == other.state

    override fun hashCode(): Int = Objects.hash(intent, state)

    override fun toString(): String = "UnsentChange(intent=$intent, state=$state)"
}

internal fun GeneratedUnsentChange.toPublic(): UnsentChange =
    UnsentChange(intent = IntentId(intent), state = state.toPublic())
