package health.curo

import java.time.Instant
import java.util.Objects
import health.curo.ffi.ConversationInfo as GeneratedConversationInfo

/** One conversation's head. */
public class ConversationInfo(
    /** The conversation. */
    public val id: ConversationId,
    /** What can be done with it. */
    public val state: ConversationState,
    /** Why it is frozen, as an error code. */
    public val frozen: ErrorCode?,
    /** Whether the user has left it, by this device or another one. */
    public val left: Boolean,
    /** Whether all that was said in it was purged when others removed this device. */
    public val purged: Boolean,
    /** Whether entries are known to be missing. Tried again by itself. */
    public val behind: Boolean,
    /** Its title, if it has one. */
    public val title: String?,
    /** The patients and others that it is about. */
    public val subjects: List<Subject>,
    /** Who is in it now, this user included, with roles and names. */
    public val roster: List<Member>,
    /** Who is in it now, this user included. */
    public val members: List<UserId>,
    /** Time of the last activity. */
    public val activityAt: Instant,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is ConversationInfo &&
            id == other.id &&
            state == other.state &&
            frozen == other.frozen &&
            left == other.left &&
            purged == other.purged &&
            behind == other.behind &&
            title == other.title &&
            subjects == other.subjects &&
            roster == other.roster &&
            members == other.members &&
            activityAt == other.activityAt

    override fun hashCode(): Int =
        Objects.hash(
            id,
            state,
            frozen,
            left,
            purged,
            behind,
            title,
            subjects,
            roster,
            members,
            activityAt,
        )

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String =
        "ConversationInfo(id=$id, state=$state, frozen=$frozen, left=$left, purged=$purged, behind=$behind, " +
            "subjects=${subjects.size}, roster=${roster.size}, members=${members.size}, …)"
}

internal fun GeneratedConversationInfo.toPublic(): ConversationInfo =
    ConversationInfo(
        id = ConversationId(id),
        state = state.toPublic(),
        frozen = frozen?.let { ErrorCode(it) },
        left = left,
        purged = purged,
        behind = behind,
        title = title,
        subjects = subjects.map { it.toPublic() },
        roster = roster.map { it.toPublic() },
        members = members.map { UserId(it) },
        activityAt = Instant.ofEpochMilli(activityMs),
    )
