package health.curo

import java.time.Instant
import java.util.Objects
import health.curo.ffi.OwnDevice as GeneratedOwnDevice

/** A device of this user. */
public class OwnDevice(
    /** Its id. */
    public val device: DeviceId,
    /** When it was registered. */
    public val registeredAt: Instant,
    /** When the relay last saw it. */
    public val lastSeenAt: Instant,
    /** Whether it waits for the approval of another one. */
    public val pending: Boolean,
    /** Whether it was revoked. */
    public val revoked: Boolean,
    /** Whether it is this one. */
    public val current: Boolean,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is OwnDevice &&
            device == other.device &&
            registeredAt == other.registeredAt &&
            lastSeenAt == other.lastSeenAt &&
            pending == other.pending &&
            revoked == other.revoked &&
            current == other.current

    override fun hashCode(): Int = Objects.hash(device, registeredAt, lastSeenAt, pending, revoked, current)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String =
        "OwnDevice(device=$device, pending=$pending, revoked=$revoked, current=$current, …)"
}

internal fun GeneratedOwnDevice.toPublic(): OwnDevice =
    OwnDevice(
        device = DeviceId(device),
        registeredAt = Instant.ofEpochMilli(registeredMs),
        lastSeenAt = Instant.ofEpochMilli(lastSeenMs),
        pending = pending,
        revoked = revoked,
        current = current,
    )
