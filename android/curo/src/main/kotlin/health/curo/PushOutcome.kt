package health.curo

import health.curo.ffi.PushOutcome as GeneratedPushOutcome

/** What a push has led to. */
public sealed interface PushOutcome {
    /** It is for another profile of this installation, or for one that is gone. Nothing was fetched. */
    public data object NotMine : PushOutcome

    /** What was fetched. Show a text that says nothing of it while the client is locked. */
    public class Fetched(
        /** What. */
        public val outcome: BackgroundOutcome,
    ) : PushOutcome {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Fetched &&
                outcome == other.outcome

        override fun hashCode(): Int = outcome.hashCode()

        override fun toString(): String = "Fetched(outcome=$outcome)"
    }

    /** An outcome of a later version. */
    public data object Other : PushOutcome
}

internal fun GeneratedPushOutcome.toPublic(): PushOutcome =
    when (this) {
        GeneratedPushOutcome.NotMine -> PushOutcome.NotMine
        is GeneratedPushOutcome.Fetched -> PushOutcome.Fetched(outcome.toPublic())
        GeneratedPushOutcome.Other -> PushOutcome.Other
    }
