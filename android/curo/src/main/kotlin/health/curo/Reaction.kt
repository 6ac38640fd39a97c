package health.curo

import java.util.Objects
import health.curo.ffi.Reaction as GeneratedReaction

/** One reaction to a message and whose it is. */
public class Reaction(
    /** Which: an emoji or another short text. */
    public val emoji: String,
    /** Who has set it. */
    public val users: List<UserId>,
    /** Whether this user is among them. */
    public val own: Boolean,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is Reaction &&
            emoji == other.emoji &&
            users == other.users &&
            own == other.own

    override fun hashCode(): Int = Objects.hash(emoji, users, own)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String = "Reaction(users=${users.size}, own=$own, …)"
}

internal fun GeneratedReaction.toPublic(): Reaction =
    Reaction(emoji = emoji, users = users.map { UserId(it) }, own = own)
