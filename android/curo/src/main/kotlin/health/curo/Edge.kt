package health.curo

import health.curo.ffi.Edge as GeneratedEdge

/** What lies beyond one end of what is shown. */
public sealed interface Edge {
    /** Nothing. */
    public data object End : Edge

    /** More is on this device: load it. */
    public data object More : Edge

    /** It is on its way. */
    public data object Loading : Edge

    /** It could not be had. Loading again may succeed. */
    public class Failed(
        /** Why. */
        public val failure: Failure,
    ) : Edge {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Failed &&
                failure == other.failure

        override fun hashCode(): Int = failure.hashCode()

        override fun toString(): String = "Failed(failure=$failure)"
    }
}

internal fun GeneratedEdge.toPublic(): Edge =
    when (this) {
        GeneratedEdge.End -> Edge.End
        GeneratedEdge.More -> Edge.More
        GeneratedEdge.Loading -> Edge.Loading
        is GeneratedEdge.Failed -> Edge.Failed(failure.toPublic())
    }
