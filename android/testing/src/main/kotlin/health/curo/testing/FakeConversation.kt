package health.curo.testing

import health.curo.AccessContext
import health.curo.Body
import health.curo.Conversation
import health.curo.ConversationId
import health.curo.ConversationState
import health.curo.DeliveryState
import health.curo.DeviceId
import health.curo.Entry
import health.curo.ErrorCode
import health.curo.ItemKey
import health.curo.Member
import health.curo.Message
import health.curo.MessageId
import health.curo.MessageRef
import health.curo.PersonReceipt
import health.curo.Priority
import health.curo.Purge
import health.curo.Start
import health.curo.UserId

/**
 * A conversation of a [FakeClient]. Its calls do what they do in the library to what this device has, are recorded in
 * [FakeClient.calls], and send nothing: what comes from others or from the relay a test says by the functions here.
 *
 * All functions are safe from any thread. Those that are not of [Conversation] fail with
 * [health.curo.CuroException] where the client has no such conversation.
 */
public class FakeConversation internal constructor(
    private val world: World,
    id: ConversationId,
    access: AccessContext?,
) : Conversation by ConversationCalls(world, id, access) {
    /** Own messages and those of others, in display order. */
    public val messages: List<Message> get() = world.read { world.stored(id).messages() }

    override fun withAccess(access: AccessContext): FakeConversation = FakeConversation(world, id, access)

    override fun timeline(
        start: Start,
        pageSize: Int,
    ): FakeTimeline = FakeTimeline(world, this, start, pageSize)

    /** A message of somebody else arrives, and is unread. */
    public fun receive(
        text: String,
        from: UserId,
        id: MessageId = MessageId.random(),
        priority: Priority = Priority.ROUTINE,
        mentions: List<UserId> = emptyList(),
        replyTo: MessageRef? = null,
        thread: MessageRef? = null,
    ): Message = change { post(id, from, Body.Text(text), priority, mentions, replyTo, thread) }

    /** Another entry arrives: people who came or went, a gap, a message that cannot be read, or any other. */
    public fun receive(entry: Entry): Unit =
        change {
            if (entry is Entry.Message) {
                add(entry.message.key, entry, world.time())
            } else {
                add(ItemKey("entry-${world.number()}"), entry, world.time())
            }
        }

    /** Somebody else has changed the text of their message. */
    public fun receiveEdit(
        message: MessageRef,
        text: String,
    ): Message = change { change(message) { it.with(body = Body.Text(text), edited = true, editedAt = world.time()) } }

    /** Somebody else has deleted their message. */
    public fun receiveDeletion(message: MessageRef): Message =
        change { change(message) { it.with(body = Body.Deleted, reactions = emptyList()) } }

    /** Somebody else has set a reaction, or taken it back. */
    public fun receiveReaction(
        message: MessageRef,
        emoji: String,
        from: UserId,
        set: Boolean = true,
    ): Message = change { change(message) { it.reacted(emoji, from, world.own.user, set) } }

    /** Somebody else has taken note of an urgent message. */
    public fun receiveAcknowledgement(
        message: MessageRef,
        from: UserId,
    ): Message = change { change(message) { it.with(acknowledgedBy = it.acknowledgedBy - from + from) } }

    /** An own message has come so far: accepted by the relay, delivered, read, or failed. */
    public fun deliver(
        message: MessageId,
        state: DeliveryState = DeliveryState.Sent,
    ): Message = change { deliver((find(message) ?: refuse(ErrorCode.UNKNOWN)).reference, state) }

    /** What the library says about who has a message and who has read it. */
    public fun setReceipts(
        message: MessageRef,
        receipts: List<PersonReceipt>,
    ): Unit = change { this.receipts[message] = receipts }

    /** How far the library says that a purge has come. */
    public fun setPurge(
        message: MessageRef,
        purge: Purge,
    ): Unit = change { purges[message] = purge }

    /** Who is in it from now on, this user included. */
    public fun setMembers(members: List<Member>): Unit = change { info = info.with(roster = members) }

    /** What can be done with it from now on; a frozen one with the code that says why. */
    public fun setState(
        state: ConversationState,
        frozen: ErrorCode? = null,
    ): Unit = change { info = info.with(state = state, frozen = frozen) }

    /** Whether entries are known to be missing. */
    public fun setBehind(behind: Boolean): Unit = change { info = info.with(behind = behind) }

    private fun <T> change(block: Stored.() -> T): T = world.change { world.stored(id).block() }
}

/** The one device of somebody. */
internal fun deviceOf(user: UserId): DeviceId = DeviceId("device-of-${user.value}")
