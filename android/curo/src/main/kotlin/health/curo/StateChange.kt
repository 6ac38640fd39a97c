package health.curo

import java.util.Objects
import health.curo.ffi.StateChange as GeneratedStateChange

/** What of a conversation's head was changed. */
public class StateChange(
    /** By whom. */
    public val by: UserId?,
    /** The new title, where that was changed. */
    public val title: String?,
    /** Subjects that it is about from now on. */
    public val bound: List<Subject>,
    /** Subjects that it is about no more. */
    public val unbound: List<Subject>,
    /** Roles that were given. */
    public val roles: List<RoleChange>,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is StateChange &&
            by == other.by &&
            title == other.title &&
            bound == other.bound &&
            unbound == other.unbound &&
            roles == other.roles

    override fun hashCode(): Int = Objects.hash(by, title, bound, unbound, roles)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String =
        "StateChange(by=$by, bound=${bound.size}, unbound=${unbound.size}, roles=${roles.size}, …)"
}

internal fun GeneratedStateChange.toPublic(): StateChange =
    StateChange(
        by = by?.let { UserId(it) },
        title = title,
        bound = bound.map { it.toPublic() },
        unbound = unbound.map { it.toPublic() },
        roles = roles.map { it.toPublic() },
    )
