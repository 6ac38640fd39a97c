package health.curo

import java.util.Objects
import health.curo.ffi.OutboxState as GeneratedOutboxState

/** What waits to be sent. */
public class OutboxState(
    /** Messages and intents on their way. */
    public val waiting: Int,
    /** Messages and intents that have failed. */
    public val failed: Int,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is OutboxState &&
            waiting == other.waiting &&
            failed == other.failed

    override fun hashCode(): Int = Objects.hash(waiting, failed)

    override fun toString(): String = "OutboxState(waiting=$waiting, failed=$failed)"
}

internal fun GeneratedOutboxState.toPublic(): OutboxState =
    OutboxState(waiting = waiting.toCount(), failed = failed.toCount())
