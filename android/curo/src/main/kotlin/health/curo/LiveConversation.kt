package health.curo

import kotlinx.coroutines.flow.Flow
import health.curo.ffi.Client as GeneratedClient
import health.curo.ffi.Conversation as GeneratedConversation
import health.curo.ffi.TimelineOptions as GeneratedTimelineOptions

/** A conversation over the library. The library's handle is made with the first call. */
internal class LiveConversation(
    private val client: () -> GeneratedClient,
    override val id: ConversationId,
    override val access: AccessContext?,
) : Conversation {
    private val inner: GeneratedConversation by lazy {
        val plain = client().conversation(id.value.wellFormed())
        if (access == null) plain else plain.withAccess(access.toGenerated())
    }

    override fun withAccess(access: AccessContext): Conversation = LiveConversation(client, id, access)

    override val states: Flow<ConversationInfo?> =
        snapshots({
            val stream = inner.observe()
            Pull(stream::next, { it.revision }) {
                stream.end()
                stream.close()
            }
        }) { { it.state?.toPublic() } }

    override fun timeline(
        start: Start,
        pageSize: Int,
    ): Timeline = LiveTimeline { inner.timeline(GeneratedTimelineOptions(start.toGenerated(), pageSize.toLong())) }

    override suspend fun info(): ConversationInfo = call { inner.info().toPublic() }

    override suspend fun add(people: List<UserId>): IntentId =
        call { IntentId(inner.add(people.map { it.value.wellFormed() })) }

    override suspend fun bindSubject(subject: Subject): IntentId =
        call { IntentId(inner.bindSubject(subject.toGenerated())) }

    override suspend fun leave(): Unit = call { inner.leave() }

    override suspend fun rejoin(): Unit = call { inner.rejoin() }

    override suspend fun remove(people: List<UserId>): IntentId =
        call { IntentId(inner.remove(people.map { it.value.wellFormed() })) }

    override suspend fun renewKeys(): IntentId = call { IntentId(inner.renewKeys()) }

    override suspend fun requestReceipts(): IntentId? = call { inner.requestReceipts()?.let { IntentId(it) } }

    override suspend fun setRole(
        user: UserId,
        role: String,
    ): IntentId = call { IntentId(inner.setRole(user.value.wellFormed(), role.wellFormed())) }

    override suspend fun setTitle(title: String): IntentId = call { IntentId(inner.setTitle(title.wellFormed())) }

    override suspend fun unbindSubject(subject: Subject): IntentId =
        call { IntentId(inner.unbindSubject(subject.toGenerated())) }

    override suspend fun cancel(intent: IntentId): Boolean = call { inner.cancel(intent.value.wellFormed()) }

    override suspend fun delivery(message: MessageId): DeliveryState =
        call { inner.delivery(message.value.wellFormed()).toPublic() }

    override suspend fun intent(intent: IntentId): IntentStatus =
        call { inner.intent(intent.value.wellFormed()).toPublic() }

    override suspend fun retry(intent: IntentId): Unit = call { inner.retry(intent.value.wellFormed()) }

    override suspend fun acknowledge(message: MessageRef): IntentId? =
        call { inner.acknowledge(message.toGenerated())?.let { IntentId(it) } }

    override suspend fun acknowledgements(message: MessageRef): List<Acknowledgement> =
        call { inner.acknowledgements(message.toGenerated()).map { it.toPublic() } }

    override suspend fun amend(
        original: MessageRef,
        text: String,
        id: MessageId,
    ): MessageId = call { MessageId(inner.amend(original.toGenerated(), text.wellFormed(), id.value.wellFormed())) }

    override suspend fun delete(message: MessageRef): IntentId = call { IntentId(inner.delete(message.toGenerated())) }

    override suspend fun edit(
        message: MessageRef,
        text: String,
        mentions: List<UserId>,
    ): IntentId =
        call { IntentId(inner.edit(message.toGenerated(), text.wellFormed(), mentions.map { it.value.wellFormed() })) }

    override suspend fun purge(message: MessageRef): Purge = call { inner.purge(message.toGenerated()).toPublic() }

    override suspend fun react(
        message: MessageRef,
        emoji: String,
    ): IntentId? = call { inner.react(message.toGenerated(), emoji.wellFormed())?.let { IntentId(it) } }

    override suspend fun receipts(message: MessageRef): List<PersonReceipt> =
        call { inner.receipts(message.toGenerated()).map { it.toPublic() } }

    override suspend fun send(
        message: NewMessage,
        id: MessageId,
    ): MessageId = call { MessageId(inner.send(message.toGenerated(), id.value.wellFormed())) }

    override suspend fun send(
        text: String,
        id: MessageId,
    ): MessageId = call { MessageId(inner.sendText(text.wellFormed(), id.value.wellFormed())) }

    override suspend fun unreact(
        message: MessageRef,
        emoji: String,
    ): IntentId? = call { inner.unreact(message.toGenerated(), emoji.wellFormed())?.let { IntentId(it) } }

    override suspend fun after(
        cursor: Cursor,
        limit: Int,
    ): Page = call { inner.after(cursor.value.wellFormed(), limit.toLong()).toPublic() }

    override suspend fun before(
        cursor: Cursor,
        limit: Int,
    ): Page = call { inner.before(cursor.value.wellFormed(), limit.toLong()).toPublic() }

    override suspend fun latest(limit: Int): Page = call { inner.latest(limit.toLong()).toPublic() }

    override suspend fun message(message: MessageRef): Item? = call { inner.message(message.toGenerated())?.toPublic() }

    override suspend fun replies(
        message: MessageRef,
        limit: Int,
    ): List<Item> = call { inner.replies(message.toGenerated(), limit.toLong()).map { it.toPublic() } }

    override suspend fun search(
        query: String,
        after: SearchCursor?,
        limit: Int,
    ): SearchPage = call { inner.search(query.wellFormed(), after?.value?.wellFormed(), limit.toLong()).toPublic() }

    override suspend fun thread(
        root: MessageRef,
        limit: Int,
    ): Page = call { inner.thread(root.toGenerated(), limit.toLong()).toPublic() }

    override suspend fun threadAfter(
        root: MessageRef,
        cursor: Cursor,
        limit: Int,
    ): Page = call { inner.threadAfter(root.toGenerated(), cursor.value.wellFormed(), limit.toLong()).toPublic() }

    override suspend fun threadBefore(
        root: MessageRef,
        cursor: Cursor,
        limit: Int,
    ): Page = call { inner.threadBefore(root.toGenerated(), cursor.value.wellFormed(), limit.toLong()).toPublic() }

    override suspend fun draft(): SavedDraft? = call { inner.draft()?.toPublic() }

    override suspend fun isMuted(): Boolean = call { inner.isMuted() }

    override suspend fun markRead(upTo: MessageRef): Unit = call { inner.markRead(upTo.toGenerated()) }

    override suspend fun mute(): Unit = call { inner.mute() }

    override suspend fun setDraft(text: String): Unit = call { inner.setDraft(text.wellFormed()) }

    override suspend fun unmute(): Unit = call { inner.unmute() }

    override suspend fun unread(): Int = call { inner.unread().toCount() }
}
