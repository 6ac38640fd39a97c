package health.curo.testing

import health.curo.AccessContext
import health.curo.Acknowledgement
import health.curo.Body
import health.curo.Conversation
import health.curo.ConversationId
import health.curo.ConversationInfo
import health.curo.ConversationState
import health.curo.Cursor
import health.curo.DeliveryState
import health.curo.Entry
import health.curo.ErrorCode
import health.curo.IntentId
import health.curo.IntentStatus
import health.curo.Item
import health.curo.ItemKey
import health.curo.MessageId
import health.curo.MessageRef
import health.curo.NewMessage
import health.curo.Page
import health.curo.PersonReceipt
import health.curo.Purge
import health.curo.RoleChange
import health.curo.SavedDraft
import health.curo.SearchCursor
import health.curo.SearchPage
import health.curo.Start
import health.curo.StateChange
import health.curo.Subject
import health.curo.Timeline
import health.curo.UserId
import kotlinx.coroutines.flow.Flow

/** The calls on a conversation, on what a fake has of it. Longer than most files: the interface has so many. */
internal class ConversationCalls(
    private val world: World,
    override val id: ConversationId,
    override val access: AccessContext?,
) : Conversation {
    override val states: Flow<ConversationInfo?> =
        world.watch(state = { if (world.locked) null else world.stored(id).info })

    override fun withAccess(access: AccessContext): Conversation = ConversationCalls(world, id, access)

    override fun timeline(
        start: Start,
        pageSize: Int,
    ): Timeline = FakeTimeline(world, this, start, pageSize)

    /** A call that reads. */
    private suspend fun <T> asks(
        name: String,
        vararg arguments: Any?,
        answer: Stored.() -> T,
    ): T = world.call(name, id, access, arguments.asList(), Need.STORE) { world.stored(id).answer() }

    /** A call that changes what others see. */
    private suspend fun <T> sends(
        name: String,
        vararg arguments: Any?,
        change: Stored.() -> T,
    ): T =
        world.call(name, id, access, arguments.asList(), Need.ACCOUNT) {
            val stored = world.stored(id)
            when (stored.info.state) {
                ConversationState.REMOVED -> refuse(ErrorCode.REMOVED)
                else -> stored.change()
            }
        }

    override suspend fun info(): ConversationInfo = asks("info") { info }

    override suspend fun add(people: List<UserId>): IntentId =
        sends("add", people) {
            if (people.isEmpty() || people.size > MOST_PEOPLE) refuse(ErrorCode.INVALID_ARGUMENT)
            if (directWith != null) refuse(ErrorCode.NOT_DIRECT)
            val new = people.filter { it !in info.members }
            info = info.with(roster = info.roster + new.map { member(it) })
            tell(Entry.Members(by = world.own.user, added = new, removed = emptyList(), left = emptyList()))
            done()
        }

    override suspend fun remove(people: List<UserId>): IntentId =
        sends("remove", people) {
            if (people.isEmpty() || world.own.user in people) refuse(ErrorCode.INVALID_ARGUMENT)
            if (directWith != null) refuse(ErrorCode.NOT_DIRECT)
            if (info.roster.any { it.mandatory && it.user in people }) refuse(ErrorCode.MANDATORY_MEMBER)
            info = info.with(roster = info.roster.filter { it.user !in people })
            tell(Entry.Members(by = world.own.user, added = emptyList(), removed = people, left = emptyList()))
            done()
        }

    override suspend fun leave(): Unit =
        sends("leave") {
            val me = world.own.user
            info =
                info.with(state = ConversationState.REMOVED, left = true, roster = info.roster.filter { it.user != me })
        }

    override suspend fun rejoin(): Unit =
        sends("rejoin") {
            if (info.state ==
                ConversationState.FROZEN
            ) {
                info = info.with(state = ConversationState.ACTIVE, frozen = null)
            }
        }

    override suspend fun renewKeys(): IntentId = sends("renewKeys") { done() }

    override suspend fun requestReceipts(): IntentId? = sends("requestReceipts") { done() }

    override suspend fun setRole(
        user: UserId,
        role: String,
    ): IntentId =
        sends("setRole", user, role) {
            info = info.with(roster = info.roster.map { if (it.user == user) member(user, role) else it })
            about(roles = listOf(RoleChange(user, role)))
        }

    override suspend fun setTitle(title: String): IntentId =
        sends("setTitle", title) {
            info = info.with(title = title.ifEmpty { null })
            about(title = title)
        }

    override suspend fun bindSubject(subject: Subject): IntentId =
        sends("bindSubject", subject) {
            info = info.with(subjects = info.subjects - subject + subject)
            about(bound = listOf(subject))
        }

    override suspend fun unbindSubject(subject: Subject): IntentId =
        sends("unbindSubject", subject) {
            info = info.with(subjects = info.subjects - subject)
            about(unbound = listOf(subject))
        }

    override suspend fun cancel(intent: IntentId): Boolean =
        sends("cancel", intent) {
            val waiting = messages().find { it.id.intent == intent && it.delivery.waits }
            if (waiting != null) {
                change(waiting.reference) { it.with(body = Body.Deleted, delivery = DeliveryState.Failed(cancelled)) }
                intents[intent] = IntentStatus.Failed(cancelled)
            }
            waiting != null
        }

    override suspend fun retry(intent: IntentId): Unit =
        sends("retry", intent) {
            val failed = messages().find { it.id.intent == intent && it.delivery is DeliveryState.Failed }
            if (failed != null) deliver(failed.reference, DeliveryState.Queued)
        }

    override suspend fun delivery(message: MessageId): DeliveryState =
        asks("delivery", message) { find(message)?.delivery ?: refuse(ErrorCode.UNKNOWN) }

    override suspend fun intent(intent: IntentId): IntentStatus =
        asks("intent", intent) { intents[intent] ?: refuse(ErrorCode.UNKNOWN) }

    override suspend fun send(
        message: NewMessage,
        id: MessageId,
    ): MessageId =
        sends("send", message, id) {
            if (find(id) == null) {
                val (me, body) = world.own.user to Body.Text(message.text)
                post(id, me, body, message.priority, message.mentions, message.replyTo, message.thread)
            }
            id
        }

    override suspend fun send(
        text: String,
        id: MessageId,
    ): MessageId =
        sends("send", text, id) {
            if (find(id) == null) post(id, world.own.user, Body.Text(text))
            id
        }

    override suspend fun amend(
        original: MessageRef,
        text: String,
        id: MessageId,
    ): MessageId =
        sends("amend", original, text, id) {
            message(original)
            if (find(id) == null) post(id, world.own.user, Body.Amendment(original, text))
            id
        }

    override suspend fun edit(
        message: MessageRef,
        text: String,
        mentions: List<UserId>,
    ): IntentId =
        sends("edit", message, text, mentions) {
            if (!message(message).own) refuse(ErrorCode.NOT_ALLOWED)
            change(message) { it.with(body = Body.Text(text), edited = true, editedAt = world.time()) }
            done()
        }

    override suspend fun delete(message: MessageRef): IntentId =
        sends("delete", message) {
            if (!message(message).own) refuse(ErrorCode.NOT_ALLOWED)
            change(message) { it.with(body = Body.Deleted, reactions = emptyList()) }
            done()
        }

    override suspend fun purge(message: MessageRef): Purge =
        asks("purge", message) { purges[message] ?: Purge(by = 0, of = 0, devices = emptyList()) }

    override suspend fun react(
        message: MessageRef,
        emoji: String,
    ): IntentId? = sends("react", message, emoji) { reacts(message, emoji, on = true) }

    override suspend fun unreact(
        message: MessageRef,
        emoji: String,
    ): IntentId? = sends("unreact", message, emoji) { reacts(message, emoji, on = false) }

    override suspend fun acknowledge(message: MessageRef): IntentId? =
        sends("acknowledge", message) {
            val me = world.own.user
            if (me in message(message).acknowledgedBy) return@sends null
            change(message) { it.with(acknowledgedBy = it.acknowledgedBy + me) }
            done()
        }

    override suspend fun acknowledgements(message: MessageRef): List<Acknowledgement> =
        asks("acknowledgements", message) { message(message).acknowledgements(info.activityAt) }

    override suspend fun receipts(message: MessageRef): List<PersonReceipt> =
        asks("receipts", message) {
            message(message)
            receipts[message].orEmpty()
        }

    override suspend fun latest(limit: Int): Page =
        asks("latest", limit) { all().let { page(it, maxOf(0, it.size - within(limit)), it.size) } }

    override suspend fun before(
        cursor: Cursor,
        limit: Int,
    ): Page = asks("before", cursor, limit) { all().before(cursor, limit, this) }

    override suspend fun after(
        cursor: Cursor,
        limit: Int,
    ): Page = asks("after", cursor, limit) { all().after(cursor, limit, this) }

    override suspend fun message(message: MessageRef): Item? =
        asks("message", message) { all().find { it.message?.reference == message } }

    override suspend fun replies(
        message: MessageRef,
        limit: Int,
    ): List<Item> =
        asks("replies", message, limit) { all().filter { it.message?.replyTo?.message == message }.take(within(limit)) }

    override suspend fun thread(
        root: MessageRef,
        limit: Int,
    ): Page =
        asks("thread", root, limit) { inThread(root).let { page(it, maxOf(0, it.size - within(limit)), it.size) } }

    override suspend fun threadAfter(
        root: MessageRef,
        cursor: Cursor,
        limit: Int,
    ): Page = asks("threadAfter", root, cursor, limit) { inThread(root).after(cursor, limit, this) }

    override suspend fun threadBefore(
        root: MessageRef,
        cursor: Cursor,
        limit: Int,
    ): Page = asks("threadBefore", root, cursor, limit) { inThread(root).before(cursor, limit, this) }

    override suspend fun search(
        query: String,
        after: SearchCursor?,
        limit: Int,
    ): SearchPage = asks("search", query, after, limit) { search(listOf(this), query, after, limit) }

    override suspend fun draft(): SavedDraft? = asks("draft") { draft }

    override suspend fun setDraft(text: String): Unit =
        asks("setDraft", text) { draft = if (text.isEmpty()) null else SavedDraft(text, world.time()) }

    override suspend fun isMuted(): Boolean = asks("isMuted") { muted }

    override suspend fun mute(): Unit = asks("mute") { muted = true }

    override suspend fun unmute(): Unit = asks("unmute") { muted = false }

    override suspend fun unread(): Int = asks("unread") { unread }

    override suspend fun markRead(upTo: MessageRef): Unit =
        asks("markRead", upTo) { read = maxOf(read, 1 + items.indexOf(items.find { it.message == message(upTo) })) }

    private fun Stored.tell(entry: Entry) = add(ItemKey("entry-${world.number()}"), entry, world.time())

    private fun Stored.about(
        title: String? = null,
        bound: List<Subject> = emptyList(),
        unbound: List<Subject> = emptyList(),
        roles: List<RoleChange> = emptyList(),
    ): IntentId {
        tell(Entry.About(StateChange(world.own.user, title, bound, unbound, roles)))
        return done()
    }

    private fun Stored.reacts(
        message: MessageRef,
        emoji: String,
        on: Boolean,
    ): IntentId? {
        val me = world.own.user
        val now = message(message).reactions.any { it.emoji == emoji && it.own }
        if (now == on) return null
        change(message) { it.reacted(emoji, me, me, on) }
        return done()
    }
}
