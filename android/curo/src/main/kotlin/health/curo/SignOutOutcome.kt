package health.curo

import health.curo.ffi.SignOutOutcome as GeneratedSignOutOutcome

/** How a sign-out has ended. */
public sealed interface SignOutOutcome {
    /** Signed out; the profile is erased. */
    public class SignedOut(
        /** What was lost with it. */
        public val lost: OutboxState,
    ) : SignOutOutcome {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is SignedOut &&
                lost == other.lost

        override fun hashCode(): Int = lost.hashCode()

        override fun toString(): String = "SignedOut(lost=$lost)"
    }

    /** Still signed in, because something is not sent yet. */
    public class Unsent(
        /** What. */
        public val left: OutboxState,
    ) : SignOutOutcome {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Unsent &&
                left == other.left

        override fun hashCode(): Int = left.hashCode()

        override fun toString(): String = "Unsent(left=$left)"
    }

    /** An outcome of a later version. */
    public data object Other : SignOutOutcome
}

internal fun GeneratedSignOutOutcome.toPublic(): SignOutOutcome =
    when (this) {
        is GeneratedSignOutOutcome.SignedOut -> SignOutOutcome.SignedOut(lost.toPublic())
        is GeneratedSignOutOutcome.Unsent -> SignOutOutcome.Unsent(left.toPublic())
        GeneratedSignOutOutcome.Other -> SignOutOutcome.Other
    }
