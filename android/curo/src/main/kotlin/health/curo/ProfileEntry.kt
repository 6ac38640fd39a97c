package health.curo

import java.util.Objects
import health.curo.ffi.ProfileEntry as GeneratedProfileEntry

/** A profile of this installation. */
public class ProfileEntry(
    /** Its id. */
    public val profile: ProfileId,
    /** Whose it is. */
    public val owner: ProfileOwner,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is ProfileEntry &&
            profile == other.profile &&
            owner == other.owner

    override fun hashCode(): Int = Objects.hash(profile, owner)

    override fun toString(): String = "ProfileEntry(profile=$profile, owner=$owner)"
}

internal fun GeneratedProfileEntry.toPublic(): ProfileEntry =
    ProfileEntry(profile = ProfileId(profile), owner = owner.toPublic())
