package health.curo

import java.util.Objects
import health.curo.ffi.RoleChange as GeneratedRoleChange

/** A role that was given. */
public class RoleChange(
    /** To whom. */
    public val user: UserId,
    /** Which. */
    public val role: String,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is RoleChange &&
            user == other.user &&
            role == other.role

    override fun hashCode(): Int = Objects.hash(user, role)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String = "RoleChange(user=$user, …)"
}

internal fun GeneratedRoleChange.toPublic(): RoleChange = RoleChange(user = UserId(user), role = role)
