package health.curo

import java.util.Objects
import health.curo.ffi.DeliveryState as GeneratedDeliveryState

/** How far an own message has come. A later state takes the place of an earlier one. */
public sealed interface DeliveryState {
    /** Durable on this device; on its way as soon as the relay can be reached. */
    public data object Queued : DeliveryState

    /** Accepted by the relay. */
    public data object Sent : DeliveryState

    /** Durable on a device of so many of the other people. */
    public class Delivered(
        /** People that have it. */
        public val by: Int,
        /** People that are to have it. */
        public val of: Int,
    ) : DeliveryState {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Delivered &&
                by == other.by &&
                of == other.of

        override fun hashCode(): Int = Objects.hash(by, of)

        override fun toString(): String = "Delivered(by=$by, of=$of)"
    }

    /** Read by so many of the other people, as their devices say. */
    public class Read(
        /** People that have read it. */
        public val by: Int,
        /** People that are to read it. */
        public val of: Int,
    ) : DeliveryState {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Read &&
                by == other.by &&
                of == other.of

        override fun hashCode(): Int = Objects.hash(by, of)

        override fun toString(): String = "Read(by=$by, of=$of)"
    }

    /** Refused; it can be retried or cancelled. */
    public class Failed(
        /** Why. */
        public val failure: Failure,
    ) : DeliveryState {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Failed &&
                failure == other.failure

        override fun hashCode(): Int = failure.hashCode()

        override fun toString(): String = "Failed(failure=$failure)"
    }

    /** A state of a later version. */
    public data object Other : DeliveryState
}

internal fun GeneratedDeliveryState.toPublic(): DeliveryState =
    when (this) {
        GeneratedDeliveryState.Queued -> DeliveryState.Queued
        GeneratedDeliveryState.Sent -> DeliveryState.Sent
        is GeneratedDeliveryState.Delivered -> DeliveryState.Delivered(by.toCount(), of.toCount())
        is GeneratedDeliveryState.Read -> DeliveryState.Read(by.toCount(), of.toCount())
        is GeneratedDeliveryState.Failed -> DeliveryState.Failed(failure.toPublic())
        GeneratedDeliveryState.Other -> DeliveryState.Other
    }
