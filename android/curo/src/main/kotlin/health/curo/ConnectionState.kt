package health.curo

import health.curo.ffi.ConnectionState as GeneratedConnectionState

/** How the client stands with its relay. */
public sealed interface ConnectionState {
    /** Not started, locked or closed: nothing is sent or received. */
    public data object Stopped : ConnectionState

    /** The relay is being asked for what is new. */
    public data object CatchingUp : ConnectionState

    /** All is applied and the live stream is open. */
    public data object Live : ConnectionState

    /** The relay cannot be reached or refuses for the moment; the next attempt comes by itself. */
    public class Waiting(
        /** Why, as an error code. */
        public val code: ErrorCode,
    ) : ConnectionState {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Waiting &&
                code == other.code

        override fun hashCode(): Int = code.hashCode()

        override fun toString(): String = "Waiting(code=$code)"
    }

    /** The user must sign in at the identity provider; then call signIn. */
    public data object SignInNeeded : ConnectionState

    /** Going on needs more than time. */
    public class Failed(
        /** Why, as an error code. */
        public val code: ErrorCode,
    ) : ConnectionState {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Failed &&
                code == other.code

        override fun hashCode(): Int = code.hashCode()

        override fun toString(): String = "Failed(code=$code)"
    }

    /** A state of a later version. */
    public data object Other : ConnectionState
}

internal fun GeneratedConnectionState.toPublic(): ConnectionState =
    when (this) {
        GeneratedConnectionState.Stopped -> ConnectionState.Stopped
        GeneratedConnectionState.CatchingUp -> ConnectionState.CatchingUp
        GeneratedConnectionState.Live -> ConnectionState.Live
        is GeneratedConnectionState.Waiting -> ConnectionState.Waiting(ErrorCode(code))
        GeneratedConnectionState.SignInNeeded -> ConnectionState.SignInNeeded
        is GeneratedConnectionState.Failed -> ConnectionState.Failed(ErrorCode(code))
        GeneratedConnectionState.Other -> ConnectionState.Other
    }
