package health.curo

import java.util.Objects
import health.curo.ffi.Member as GeneratedMember

/** Somebody in a conversation. */
public class Member(
    /** The user. */
    public val user: UserId,
    /** Their role: admin, member, or another name that the app has given. */
    public val role: String,
    /** The name that they have told. */
    public val name: String?,
    /** Whether the tenant's policy wants them in every conversation. */
    public val mandatory: Boolean,
    /**
     * Whether none of their devices is in it at the moment: they were away for long, or could not be invited again.
     * They are members all the same, and back when a device of theirs is; what is said meanwhile that device does not
     * get.
     */
    public val dormant: Boolean,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is Member &&
            user == other.user &&
            role == other.role &&
            name == other.name &&
            mandatory == other.mandatory &&
            dormant == other.dormant

    override fun hashCode(): Int = Objects.hash(user, role, name, mandatory, dormant)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String = "Member(user=$user, mandatory=$mandatory, dormant=$dormant, …)"
}

internal fun GeneratedMember.toPublic(): Member =
    Member(user = UserId(user), role = role, name = name, mandatory = mandatory, dormant = dormant)
