package health.curo.testing

import health.curo.Body
import health.curo.ConversationInfo
import health.curo.ConversationSummary
import health.curo.Cursor
import health.curo.DeliveryState
import health.curo.Entry
import health.curo.ErrorCode
import health.curo.IntentId
import health.curo.IntentStatus
import health.curo.Item
import health.curo.ItemKey
import health.curo.Message
import health.curo.MessageId
import health.curo.MessageRef
import health.curo.Page
import health.curo.PersonReceipt
import health.curo.Preview
import health.curo.Priority
import health.curo.Purge
import health.curo.Quote
import health.curo.SavedDraft
import health.curo.TimelineItem
import health.curo.UserId
import java.time.Instant

/** What a fake has of one conversation. Items are never taken out: their places stay. */
internal class Stored(
    private val world: World,
    var info: ConversationInfo,
    val directWith: UserId?,
) {
    /** An item that does not change keeps its instance. */
    val items = mutableListOf<TimelineItem>()

    /** How many items are read. */
    var read = 0
    var muted = false
    var draft: SavedDraft? = null
    val intents = mutableMapOf<IntentId, IntentStatus>()
    val receipts = mutableMapOf<MessageRef, List<PersonReceipt>>()
    val purges = mutableMapOf<MessageRef, Purge>()

    val unread: Int get() = items.drop(read).count { it.isFromOthers }

    fun messages(): List<Message> = items.mapNotNull { it.message }

    fun find(reference: MessageRef): Message? = messages().find { it.reference == reference }

    fun message(reference: MessageRef): Message = find(reference) ?: refuse(ErrorCode.UNKNOWN)

    fun find(id: MessageId): Message? = messages().find { it.id == id && it.own }

    /** A message of this user, or of somebody else. */
    fun post(
        id: MessageId,
        sender: UserId,
        body: Body,
        priority: Priority = Priority.ROUTINE,
        mentions: List<UserId> = emptyList(),
        replyTo: MessageRef? = null,
        thread: MessageRef? = null,
    ): Message {
        val own = sender == world.own.user
        val device = if (own) world.own.device else deviceOf(sender)
        val now = world.time()
        val message =
            Message(
                id = id,
                senderDevice = device,
                reference = MessageRef(device, id),
                key = ItemKey("message-${world.number()}"),
                sender = sender,
                own = own,
                claimedAt = now,
                body = body,
                delivery = if (own) DeliveryState.Queued else null,
                edited = false,
                editedAt = null,
                priority = priority,
                mentions = mentions,
                replyTo = replyTo?.let(::quote),
                thread = thread,
                threadCount = 0,
                reactions = emptyList(),
                acknowledgedBy = emptyList(),
                unsentChange = null,
            )
        add(message.key, Entry.Message(message), if (own) null else now)
        if (own) intents[id.intent] = IntentStatus.Pending
        if (thread !=
            null
        ) {
            find(thread)?.let { change(it.reference) { root -> root.with(threadCount = root.threadCount + 1) } }
        }
        info = info.with(activityAt = now)
        return message
    }

    fun add(
        key: ItemKey,
        entry: Entry,
        acceptedAt: Instant?,
    ) {
        items += TimelineItem(key, world.number(), Item(Cursor(items.size.toString()), acceptedAt, entry))
    }

    /** Changes a message wherever it is shown. */
    fun change(
        reference: MessageRef,
        change: (Message) -> Message,
    ): Message {
        val at = items.indexOfFirst { it.message?.reference == reference }
        val old = items.getOrNull(at) ?: refuse(ErrorCode.UNKNOWN)
        val changed = change(old.message ?: refuse(ErrorCode.UNKNOWN))
        val sent = changed.delivery != DeliveryState.Queued && changed.delivery !is DeliveryState.Failed
        val accepted = old.item.acceptedAt ?: if (sent) world.time() else null
        items[at] = TimelineItem(old.key, world.number(), Item(old.item.cursor, accepted, Entry.Message(changed)))
        return changed
    }

    fun deliver(
        reference: MessageRef,
        state: DeliveryState,
    ): Message =
        change(reference) { it.with(delivery = state) }.also {
            intents[it.id.intent] =
                when (state) {
                    DeliveryState.Queued -> IntentStatus.Pending
                    is DeliveryState.Failed -> IntentStatus.Failed(state.failure)
                    else -> IntentStatus.Done
                }
        }

    /** An intent of this user that is done as soon as it is asked for. */
    fun done(): IntentId = IntentId("intent-${world.number()}").also { intents[it] = IntentStatus.Done }

    /** The part of a list of items from one place up to another. */
    fun page(
        all: List<Item>,
        from: Int,
        to: Int,
    ): Page =
        Page(
            items = all.subList(from, to),
            older = all.getOrNull(from)?.cursor?.takeIf { from > 0 },
            newer = all.getOrNull(to - 1)?.cursor?.takeIf { to < all.size },
        )

    fun row(): ConversationSummary =
        ConversationSummary(
            state = info.state,
            frozen = info.frozen,
            behind = info.behind,
            title = info.title,
            directWith = directWith,
            members = info.members.size,
            people = info.members.filter { it != world.own.user }.take(PEOPLE),
            activityAt = info.activityAt,
            last = items.lastOrNull { it.message != null }?.let(::preview),
            unread = unread,
            muted = muted,
            draft = draft?.text,
        )

    private fun preview(item: TimelineItem): Preview? =
        item.message?.let { Preview(it.key, it.sender, it.own, it.body, item.item.acceptedAt, it.delivery) }

    private fun quote(reference: MessageRef): Quote {
        val message = find(reference)
        return Quote(reference, message?.sender, message?.text, message?.body == Body.Deleted)
    }

    private companion object {
        /** How many people a row names. */
        const val PEOPLE = 4
    }
}

internal val TimelineItem.message: Message? get() = item.message

internal val Item.message: Message? get() = (entry as? Entry.Message)?.message

internal val TimelineItem.isFromOthers: Boolean get() = message?.own == false
