package health.curo.sample

import android.app.Application
import health.curo.Account
import health.curo.Body
import health.curo.Client
import health.curo.Conversation
import health.curo.ConversationId
import health.curo.ConversationInfo
import health.curo.ConversationItem
import health.curo.ConversationList
import health.curo.ConversationState
import health.curo.ConversationSummary
import health.curo.ConversationsState
import health.curo.Cursor
import health.curo.DeliveryState
import health.curo.DeviceId
import health.curo.Edge
import health.curo.Entry
import health.curo.IntentId
import health.curo.Item
import health.curo.ItemKey
import health.curo.Message
import health.curo.MessageId
import health.curo.MessageRef
import health.curo.Person
import health.curo.Priority
import health.curo.SavedDraft
import health.curo.SessionState
import health.curo.Start
import health.curo.TenantId
import health.curo.Timeline
import health.curo.TimelineItem
import health.curo.TimelineState
import health.curo.UserId
import kotlinx.coroutines.flow.MutableStateFlow
import java.lang.reflect.Proxy
import java.time.Instant

// A client, a conversation and its window that a test sets and looks at.

/** An app whose client is the test's. */
class FakeHost :
    Application(),
    SampleHost {
    internal val client = FakeClient()
    internal val tokens = mutableListOf<String>()

    override suspend fun client(): Client = client

    override fun useToken(token: String) {
        tokens += token
    }
}

/** A client with one conversation; says which calls were made. */
internal class FakeClient : Client by absent(Client::class.java) {
    override val session = MutableStateFlow(SessionState.SIGN_IN_NEEDED)
    val care = FakeConversation()
    val list = MutableStateFlow(ConversationsState(1, false, emptyList(), Edge.End, Edge.End))
    val calls = mutableListOf<String>()

    override fun conversation(id: ConversationId): Conversation = care

    override fun noteUserActivity() = Unit

    override suspend fun signIn(): Account {
        calls += "signIn"
        return Account(TenantId("tenant"), UserId("user"), DeviceId("device"))
    }

    override suspend fun start() {
        calls += "start"
    }

    override suspend fun unlock() {
        calls += "unlock"
    }

    override suspend fun findPeople(subjects: List<String>): List<Person> {
        calls += "find $subjects"
        return subjects.map { Person(it, UserId("user of $it"), null) }
    }

    override suspend fun directConversation(person: UserId): Conversation {
        calls += "direct $person"
        return care
    }

    override fun conversationList(pageSize: Int): ConversationList =
        object : ConversationList by absent(ConversationList::class.java) {
            override val states = list

            override fun close() {
                calls += "close"
            }
        }
}

/** A conversation and its window; says what was done to it. */
internal class FakeConversation : Conversation by absent(Conversation::class.java) {
    override val id = ConversationId("7".repeat(32))
    override val states = MutableStateFlow<ConversationInfo?>(null)
    val shown = MutableStateFlow(snapshot())
    val sent = mutableListOf<String>()
    val read = mutableListOf<MessageRef>()
    val retried = mutableListOf<IntentId>()
    var closed = 0

    override fun timeline(
        start: Start,
        pageSize: Int,
    ): Timeline =
        object : Timeline by absent(Timeline::class.java) {
            override val states = shown

            override fun close() {
                closed += 1
            }
        }

    override suspend fun send(
        text: String,
        id: MessageId,
    ): MessageId = id.also { sent += text }

    override suspend fun retry(intent: IntentId) {
        retried += intent
    }

    override suspend fun draft(): SavedDraft? = null

    override suspend fun setDraft(text: String) = Unit

    override suspend fun markRead(upTo: MessageRef) {
        read += upTo
    }
}

internal fun snapshot(vararg messages: Message): TimelineState {
    val items = messages.map { TimelineItem(it.key, 1, Item(Cursor(""), null, Entry.Message(it))) }
    return TimelineState(1, false, items, Edge.End, Edge.End, 0, null)
}

private var made = 0

internal fun message(
    text: String,
    own: Boolean = false,
    delivery: DeliveryState? = null,
): Message {
    made += 1
    val device = DeviceId("device")
    val id = MessageId("%032x".format(made))
    return Message(
        id = id,
        senderDevice = device,
        reference = MessageRef(device, id),
        key = ItemKey("item $made"),
        sender = UserId("sender"),
        own = own,
        claimedAt = null,
        body = Body.Text(text),
        delivery = delivery,
        edited = false,
        editedAt = null,
        priority = Priority.ROUTINE,
        mentions = emptyList(),
        replyTo = null,
        thread = null,
        threadCount = 0,
        reactions = emptyList(),
        acknowledgedBy = emptyList(),
        unsentChange = null,
    )
}

internal fun info(title: String): ConversationInfo =
    ConversationInfo(
        id = ConversationId("7".repeat(32)),
        state = ConversationState.ACTIVE,
        frozen = null,
        left = false,
        purged = false,
        behind = false,
        title = title,
        subjects = emptyList(),
        roster = emptyList(),
        members = emptyList(),
        activityAt = Instant.EPOCH,
    )

internal fun row(
    title: String,
    unread: Int,
): ConversationItem {
    val row =
        ConversationSummary(
            state = ConversationState.ACTIVE,
            frozen = null,
            behind = false,
            title = title,
            directWith = null,
            members = 2,
            people = emptyList(),
            activityAt = Instant.EPOCH,
            last = null,
            unread = unread,
            muted = false,
            draft = null,
        )
    return ConversationItem(ConversationId("7".repeat(32)), 1, row)
}

/** Whatever is not named fails. */
@Suppress("UNCHECKED_CAST")
private fun <T> absent(type: Class<T>): T =
    Proxy.newProxyInstance(type.classLoader, arrayOf(type)) { _, method, _ -> error("${method.name} was called") } as T
