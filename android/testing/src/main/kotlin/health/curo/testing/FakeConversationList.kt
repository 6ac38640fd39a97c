package health.curo.testing

import health.curo.AccessContext
import health.curo.ConversationId
import health.curo.ConversationItem
import health.curo.ConversationList
import health.curo.ConversationsState
import health.curo.Edge
import health.curo.ErrorCode
import kotlinx.coroutines.flow.Flow

/** The conversations of a [FakeClient], the one with the newest activity first, as the library's list shows them: at most 300. */
public class FakeConversationList internal constructor(
    private val world: World,
    private val access: AccessContext?,
    private val pageSize: Int,
) : ConversationList {
    private var open = true
    private var shown = pageSize
    private val rows = mutableMapOf<ConversationId, ConversationItem>()

    override val states: Flow<ConversationsState> =
        world.watch({ open }, ::snapshot) { old, new ->
            old.locked == new.locked && old.items == new.items && old.older == new.older
        }

    override suspend fun loadOlder(): Unit = call("loadOlder") { shown = minOf(WIDEST, shown + pageSize) }

    override suspend fun loadNewer(): Unit = call("loadNewer") {}

    override suspend fun jumpToNewest(): Unit = call("jumpToNewest") { shown = pageSize }

    override fun close(): Unit = world.change { open = false }

    private suspend fun call(
        name: String,
        block: () -> Unit,
    ): Unit =
        world.call(name, null, access, emptyList(), Need.STORE) {
            if (!open) refuse(ErrorCode.CLOSED)
            within(pageSize)
            block()
        }

    private fun snapshot(revision: Long): ConversationsState {
        within(pageSize)
        val all =
            if (world.locked) {
                emptyList()
            } else {
                world.conversations.values.sortedByDescending {
                    it.info.activityAt
                }
            }
        return ConversationsState(
            revision = revision,
            locked = world.locked,
            items = all.take(shown).map(::row),
            newer = Edge.End,
            older = if (all.size > shown) Edge.More else Edge.End,
        )
    }

    /** A row that has not changed is the same instance as before. */
    private fun row(stored: Stored): ConversationItem {
        val row = stored.row()
        val before = rows[stored.info.id]
        if (before != null && before.row == row) return before
        return ConversationItem(stored.info.id, world.number(), row).also { rows[it.id] = it }
    }

    private companion object {
        const val WIDEST = 300
    }
}
