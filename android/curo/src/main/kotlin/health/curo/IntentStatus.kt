package health.curo

import health.curo.ffi.IntentStatus as GeneratedIntentStatus

/** Where an intent that changes a conversation stands. */
public sealed interface IntentStatus {
    /** Durable; not done yet. */
    public data object Pending : IntentStatus

    /** Done, or there was nothing left to do. */
    public data object Done : IntentStatus

    /** Refused. */
    public class Failed(
        /** Why. */
        public val failure: Failure,
    ) : IntentStatus {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Failed &&
                failure == other.failure

        override fun hashCode(): Int = failure.hashCode()

        override fun toString(): String = "Failed(failure=$failure)"
    }

    /** A state of a later version. */
    public data object Other : IntentStatus
}

internal fun GeneratedIntentStatus.toPublic(): IntentStatus =
    when (this) {
        GeneratedIntentStatus.Pending -> IntentStatus.Pending
        GeneratedIntentStatus.Done -> IntentStatus.Done
        is GeneratedIntentStatus.Failed -> IntentStatus.Failed(failure.toPublic())
        GeneratedIntentStatus.Other -> IntentStatus.Other
    }
