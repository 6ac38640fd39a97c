package health.curo

import java.time.Instant
import java.util.Objects
import health.curo.ffi.WaitingDevice as GeneratedWaitingDevice

/** A device of this user that waits for the approval of another one. */
public class WaitingDevice(
    /** Its id. */
    public val device: DeviceId,
    /** When it asked. */
    public val askedAt: Instant,
    /** The code that it must show, too. */
    public val code: String,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is WaitingDevice &&
            device == other.device &&
            askedAt == other.askedAt &&
            code == other.code

    override fun hashCode(): Int = Objects.hash(device, askedAt, code)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String = "WaitingDevice(device=$device, code=$code, …)"
}

internal fun GeneratedWaitingDevice.toPublic(): WaitingDevice =
    WaitingDevice(
        device = DeviceId(device),
        askedAt = Instant.ofEpochMilli(askedMs),
        code = code,
    )
