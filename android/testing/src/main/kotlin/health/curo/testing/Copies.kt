package health.curo.testing

import health.curo.Acknowledgement
import health.curo.Body
import health.curo.ConversationInfo
import health.curo.ConversationState
import health.curo.DeliveryState
import health.curo.ErrorCode
import health.curo.Member
import health.curo.Message
import health.curo.Reaction
import health.curo.Subject
import health.curo.UserId
import java.time.Instant

// The library's values with some parts changed.

internal fun Message.with(
    body: Body = this.body,
    delivery: DeliveryState? = this.delivery,
    edited: Boolean = this.edited,
    editedAt: Instant? = this.editedAt,
    threadCount: Int = this.threadCount,
    reactions: List<Reaction> = this.reactions,
    acknowledgedBy: List<UserId> = this.acknowledgedBy,
): Message =
    Message(
        id = id,
        senderDevice = senderDevice,
        reference = reference,
        key = key,
        sender = sender,
        own = own,
        claimedAt = claimedAt,
        body = body,
        delivery = delivery,
        edited = edited,
        editedAt = editedAt,
        priority = priority,
        mentions = mentions,
        replyTo = replyTo,
        thread = thread,
        threadCount = threadCount,
        reactions = reactions,
        acknowledgedBy = acknowledgedBy,
        unsentChange = unsentChange,
    )

/** With somebody's reaction, or without it. */
internal fun Message.reacted(
    emoji: String,
    user: UserId,
    own: UserId,
    on: Boolean,
): Message {
    val users =
        reactions
            .find { it.emoji == emoji }
            ?.users
            .orEmpty()
            .minus(user)
            .let { if (on) it + user else it }
    val others = reactions.filter { it.emoji != emoji }
    return with(reactions = if (users.isEmpty()) others else others + Reaction(emoji, users, own in users))
}

internal fun Message.acknowledgements(at: Instant): List<Acknowledgement> =
    acknowledgedBy.map { Acknowledgement(it, at) }

internal val Message.text: String?
    get() =
        when (val body = body) {
            is Body.Text -> body.text
            is Body.Amendment -> body.text
            else -> null
        }

internal fun ConversationInfo.with(
    state: ConversationState = this.state,
    frozen: ErrorCode? = this.frozen,
    left: Boolean = this.left,
    behind: Boolean = this.behind,
    title: String? = this.title,
    subjects: List<Subject> = this.subjects,
    roster: List<Member> = this.roster,
    activityAt: Instant = this.activityAt,
): ConversationInfo =
    ConversationInfo(
        id = id,
        state = state,
        frozen = frozen,
        left = left,
        purged = purged,
        behind = behind,
        title = title,
        subjects = subjects,
        roster = roster,
        members = roster.map { it.user },
        activityAt = activityAt,
    )

internal fun member(
    user: UserId,
    role: String = "member",
): Member = Member(user = user, role = role, name = null, mandatory = false, dormant = false)
