package health.curo

import kotlinx.coroutines.flow.Flow

/**
 * A conversation of this account. The handle stays valid whatever becomes of the conversation.
 *
 * Calls that change something are durable when they return, work offline, and finish once entered, whatever becomes of
 * their caller. Everything fails with [CuroException].
 */
public interface Conversation {
    /** The conversation's id. */
    public val id: ConversationId

    /** The reason that calls on this handle are made for; none counts as treatment. */
    public val access: AccessContext?

    /**
     * The same conversation for calls that are made for another reason than treatment. They fail with invalid_argument
     * where a text of it is over its limit.
     */
    public fun withAccess(access: AccessContext): Conversation

    /**
     * State and members: the newest first, then each change; null while locked. It ends when the client is closed, and
     * fails with [ErrorCode.UNKNOWN] where this device does not have the conversation.
     */
    public val states: Flow<ConversationInfo?>

    /**
     * A window over its items for a screen, read in pages of so many: 1 to 300; its calls fail with invalid_argument for
     * another number. Close it with the screen.
     */
    public fun timeline(
        start: Start = Start.FirstUnread,
        pageSize: Int = 50,
    ): Timeline

    /**
     * State and members as this device knows them. Works offline. Fails with unknown where this device does not have
     * it.
     */
    public suspend fun info(): ConversationInfo

    /**
     * Adds people with all their devices. Fails with removed, not_direct, not_allowed, invalid_argument (nobody, or
     * more than 250), locked; the intent itself may fail later, with no_device for example.
     */
    public suspend fun add(people: List<UserId>): IntentId

    /** Says that it is about a patient or another subject from now on. */
    public suspend fun bindSubject(subject: Subject): IntentId

    /** Leaves the conversation. What is on this device stays readable. */
    public suspend fun leave()

    /** Comes in again, where the conversation is frozen because it could not by itself. */
    public suspend fun rejoin()

    /**
     * Removes people with all their devices. They can read nothing that is sent after it. Fails as add does; also with
     * invalid_argument for this user, and mandatory_member for somebody whom the tenant's policy wants in every
     * conversation.
     */
    public suspend fun remove(people: List<UserId>): IntentId

    /** Renews this device's keys in the conversation, so that what an attacker may have learnt is of no use. */
    public suspend fun renewKeys(): IntentId

    /**
     * Asks members to tell what they have read: above 32 people nobody does unasked. None where it was asked before.
     */
    public suspend fun requestReceipts(): IntentId?

    /**
     * Gives somebody a role: admin, member, or another name that the app knows. Fails with invalid_argument for what
     * cannot be a role's name, not_allowed where this user's role does not allow it.
     */
    public suspend fun setRole(
        user: UserId,
        role: String,
    ): IntentId

    /** Sets the title; empty takes it away. */
    public suspend fun setTitle(title: String): IntentId

    /** Says that it is about a subject no more. */
    public suspend fun unbindSubject(subject: Subject): IntentId

    /** Cancels what is not on its way yet: a message by its id, or another intent. False: it is too late. */
    public suspend fun cancel(intent: IntentId): Boolean

    /** How far an own message has come. */
    public suspend fun delivery(message: MessageId): DeliveryState

    /** Where an intent stands. Fails with unknown for one that is not known, or not known any more. */
    public suspend fun intent(intent: IntentId): IntentStatus

    /** Tries again what has failed: a message by its id, or another intent. */
    public suspend fun retry(intent: IntentId)

    /** Takes note of an urgent message; its sender sees who has. None where it was done before. */
    public suspend fun acknowledge(message: MessageRef): IntentId?

    /** Who has taken note of a message. */
    public suspend fun acknowledgements(message: MessageRef): List<Acknowledgement>

    /** Sets a record beside a message that amends it; the original stands unchanged (45 CFR 164.526). */
    public suspend fun amend(
        original: MessageRef,
        text: String,
        id: MessageId = MessageId.random(),
    ): MessageId

    /** Deletes an own message: its content is purged here and elsewhere. */
    public suspend fun delete(message: MessageRef): IntentId

    /** Gives an own message another text. Everybody sees that it was edited. */
    public suspend fun edit(
        message: MessageRef,
        text: String,
        mentions: List<UserId> = emptyList(),
    ): IntentId

    /** How far the purge of a deleted message has come. */
    public suspend fun purge(message: MessageRef): Purge

    /** Sets a reaction. None where it was set before. */
    public suspend fun react(
        message: MessageRef,
        emoji: String,
    ): IntentId?

    /** Who has a message and who has read it. */
    public suspend fun receipts(message: MessageRef): List<PersonReceipt>

    /** Sends a message. As the one that takes a text. */
    public suspend fun send(
        message: NewMessage,
        id: MessageId = MessageId.random(),
    ): MessageId

    /**
     * Sends a routine message. The id is the app's (see [MessageId.random]): the same id again is the same message, with
     * the text that it had first, so sending after a doubt is harmless. Fails with removed, too_large, invalid_argument,
     * sign_in_needed, locked, storage_full.
     */
    public suspend fun send(
        text: String,
        id: MessageId = MessageId.random(),
    ): MessageId

    /** Takes a reaction back. None where there was none. */
    public suspend fun unreact(
        message: MessageRef,
        emoji: String,
    ): IntentId?

    /** Items after a place, at most limit (1 to 300), oldest first. Go on from an item that has been accepted. */
    public suspend fun after(
        cursor: Cursor,
        limit: Int = 50,
    ): Page

    /** Items before a place, at most limit (1 to 300), oldest first. */
    public suspend fun before(
        cursor: Cursor,
        limit: Int = 50,
    ): Page

    /** The newest items, at most limit (1 to 300), oldest first. */
    public suspend fun latest(limit: Int = 50): Page

    /** One message; none if it is not here. */
    public suspend fun message(message: MessageRef): Item?

    /** The answers to a message, at most limit (1 to 300). */
    public suspend fun replies(
        message: MessageRef,
        limit: Int = 50,
    ): List<Item>

    /** Messages of this conversation that hold every word of the query, as the client's search finds them. */
    public suspend fun search(
        query: String,
        after: SearchCursor? = null,
        limit: Int = 50,
    ): SearchPage

    /** The newest messages of a thread without its first one, at most limit (1 to 300), oldest first. */
    public suspend fun thread(
        root: MessageRef,
        limit: Int = 50,
    ): Page

    /** Messages of a thread after a place, at most limit (1 to 300), oldest first. */
    public suspend fun threadAfter(
        root: MessageRef,
        cursor: Cursor,
        limit: Int = 50,
    ): Page

    /** Messages of a thread before a place, at most limit (1 to 300), oldest first. */
    public suspend fun threadBefore(
        root: MessageRef,
        cursor: Cursor,
        limit: Int = 50,
    ): Page

    /** What somebody has begun to write. */
    public suspend fun draft(): SavedDraft?

    /** Whether it is muted. */
    public suspend fun isMuted(): Boolean

    /** Marks everything up to a message as read. */
    public suspend fun markRead(upTo: MessageRef)

    /** Leaves the conversation out of the total of what is unread, on this device. Its own count goes on. */
    public suspend fun mute()

    /** Keeps what somebody has begun to write; empty takes it away. */
    public suspend fun setDraft(text: String)

    /** Takes the conversation into the total of what is unread again. */
    public suspend fun unmute()

    /** Unread messages of others. */
    public suspend fun unread(): Int
}
