package health.curo

import java.util.Objects
import health.curo.ffi.PurgedDevice as GeneratedPurgedDevice

/** A device that has purged a deleted message. */
public class PurgedDevice(
    /** Whose. */
    public val user: UserId,
    /** Which. */
    public val device: DeviceId,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is PurgedDevice &&
            user == other.user &&
            device == other.device

    override fun hashCode(): Int = Objects.hash(user, device)

    override fun toString(): String = "PurgedDevice(user=$user, device=$device)"
}

internal fun GeneratedPurgedDevice.toPublic(): PurgedDevice =
    PurgedDevice(user = UserId(user), device = DeviceId(device))
