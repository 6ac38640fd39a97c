package health.curo

import java.util.Objects
import health.curo.ffi.Purge as GeneratedPurge

/** How far the purge of a deleted message has come. */
public class Purge(
    /** Devices that have purged it. */
    public val by: Int,
    /** Devices that are to purge it. */
    public val of: Int,
    /** Which have. */
    public val devices: List<PurgedDevice>,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is Purge &&
            by == other.by &&
            of == other.of &&
            devices == other.devices

    override fun hashCode(): Int = Objects.hash(by, of, devices)

    override fun toString(): String = "Purge(by=$by, of=$of, devices=${devices.size})"
}

internal fun GeneratedPurge.toPublic(): Purge =
    Purge(by = by.toCount(), of = of.toCount(), devices = devices.map { it.toPublic() })
