package health.curo

import java.time.Instant
import java.util.Objects
import health.curo.ffi.ConversationSummary as GeneratedConversationSummary

/** One row of the list. */
public class ConversationSummary(
    /** What can be done with it. */
    public val state: ConversationState,
    /** Why it is frozen, as an error code. */
    public val frozen: ErrorCode?,
    /** Whether entries are known to be missing. Tried again by itself. */
    public val behind: Boolean,
    /** Its title, if it has one. */
    public val title: String?,
    /** The other person of a direct conversation. */
    public val directWith: UserId?,
    /** How many people are in it, this user included. */
    public val members: Int,
    /** Some of them, for a title where there is none. */
    public val people: List<UserId>,
    /** Time of the last activity. */
    public val activityAt: Instant,
    /** The last message. */
    public val last: Preview?,
    /** Unread messages of others. */
    public val unread: Int,
    /** Whether it is left out of the total of what is unread. */
    public val muted: Boolean,
    /** What somebody has begun to write. */
    public val draft: String?,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is ConversationSummary &&
            state == other.state &&
            frozen == other.frozen &&
            behind == other.behind &&
            title == other.title &&
            directWith == other.directWith &&
            members == other.members &&
            people == other.people &&
            activityAt == other.activityAt &&
            last == other.last &&
            unread == other.unread &&
            muted == other.muted &&
            draft == other.draft

    override fun hashCode(): Int =
        Objects.hash(
            state,
            frozen,
            behind,
            title,
            directWith,
            members,
            people,
            activityAt,
            last,
            unread,
            muted,
            draft,
        )

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String =
        "ConversationSummary(state=$state, frozen=$frozen, behind=$behind, directWith=$directWith, members=$members, " +
            "people=${people.size}, last=$last, unread=$unread, muted=$muted, …)"
}

internal fun GeneratedConversationSummary.toPublic(): ConversationSummary =
    ConversationSummary(
        state = state.toPublic(),
        frozen = frozen?.let { ErrorCode(it) },
        behind = behind,
        title = title,
        directWith = directWith?.let { UserId(it) },
        members = members.toCount(),
        people = people.map { UserId(it) },
        activityAt = Instant.ofEpochMilli(activityMs),
        last = last?.toPublic(),
        unread = unread.toCount(),
        muted = muted,
        draft = draft,
    )
