package health.curo

import java.util.Objects
import health.curo.ffi.Person as GeneratedPerson

/** Somebody of this tenant. */
public class Person(
    /** The identity provider's subject that was asked for. */
    public val subject: String,
    /** The user. */
    public val user: UserId,
    /** The name that they have told inside conversations, if this device has heard it. */
    public val name: String?,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is Person &&
            subject == other.subject &&
            user == other.user &&
            name == other.name

    override fun hashCode(): Int = Objects.hash(subject, user, name)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String = "Person(user=$user, …)"
}

internal fun GeneratedPerson.toPublic(): Person = Person(subject = subject, user = UserId(user), name = name)
