package health.curo

import kotlinx.coroutines.flow.Flow
import health.curo.ffi.ConversationList as GeneratedConversationList
import health.curo.ffi.ConversationListSnapshot as GeneratedConversationListSnapshot

/** A list of conversations over the library. */
internal class LiveConversationList(
    open: () -> GeneratedConversationList,
) : ConversationList {
    private val window =
        Window(open) {
            it.end()
            it.close()
        }

    override val states: Flow<ConversationsState> =
        snapshots({ window.get().let { list -> Pull(list::next, { it.revision }) } }) {
            var previous = emptyMap<ConversationId, ConversationItem>()

            fun(snapshot: GeneratedConversationListSnapshot): ConversationsState =
                snapshot.toPublic(previous).also { previous = it.items.associateBy(ConversationItem::id) }
        }

    override suspend fun loadOlder(): Unit = call { window.get().loadOlder() }

    override suspend fun loadNewer(): Unit = call { window.get().loadNewer() }

    override suspend fun jumpToNewest(): Unit = call { window.get().jumpToNewest() }

    override fun close(): Unit = window.close()
}
