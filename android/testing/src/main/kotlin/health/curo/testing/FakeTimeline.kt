package health.curo.testing

import health.curo.Conversation
import health.curo.Edge
import health.curo.ErrorCode
import health.curo.ItemKey
import health.curo.Start
import health.curo.Timeline
import health.curo.TimelineState
import kotlinx.coroutines.flow.Flow

/**
 * A window over what a [FakeConversation] has. It opens, grows, jumps and follows the live end as the library's does, at
 * most 300 items wide. What the edges say can be set, for a screen that shows that something is loaded or has failed.
 */
public class FakeTimeline internal constructor(
    private val world: World,
    private val conversation: Conversation,
    private val start: Start,
    private val pageSize: Int,
) : Timeline {
    private var open = true
    private var placed = false
    private var from = 0
    private var to = 0

    /** Whether what arrives is appended. */
    private var following = false
    private var anchor: ItemKey? = null
    private var olderEdge: Edge? = null
    private var newerEdge: Edge? = null

    override val states: Flow<TimelineState> = world.watch({ open }, ::snapshot, ::same)

    /** What lies before the first item from now on; null: what is true. */
    public fun setOlder(edge: Edge?): Unit = world.change { olderEdge = edge }

    /** What lies behind the last item from now on; null: what is true. */
    public fun setNewer(edge: Edge?): Unit = world.change { newerEdge = edge }

    override suspend fun loadOlder(): Unit =
        call("loadOlder") {
            from = maxOf(0, from - pageSize)
            if (to - from > WIDEST) {
                to = from + WIDEST
                following = false
            }
        }

    override suspend fun loadNewer(): Unit =
        call("loadNewer") { size ->
            to = minOf(size, to + pageSize)
            from = maxOf(from, to - WIDEST)
            following = to == size
        }

    override suspend fun jumpTo(key: ItemKey): Unit =
        call("jumpTo", key) {
            val at = stored().items.indexOfFirst { it.key == key }
            if (at < 0) refuse(ErrorCode.UNKNOWN)
            around(at)
        }

    override suspend fun jumpToNewest(): Unit = call("jumpToNewest") { newest() }

    override fun close(): Unit = world.change { open = false }

    private fun stored(): Stored = world.stored(conversation.id)

    private suspend fun call(
        name: String,
        vararg arguments: Any?,
        block: (Int) -> Unit,
    ): Unit =
        world.call(name, conversation.id, conversation.access, arguments.asList(), Need.STORE) {
            if (!open) refuse(ErrorCode.CLOSED)
            place()
            block(stored().items.size)
        }

    /** Where it begins is decided when it is first wanted. */
    private fun place() {
        within(pageSize)
        if (placed) return
        placed = true
        val items = stored().items
        val at =
            when (start) {
                is Start.At -> items.indexOfFirst { it.key == start.key }
                Start.FirstUnread -> items.indices.find { it >= stored().read && items[it].isFromOthers } ?: -1
                Start.Newest -> -1
            }
        if (at < 0) newest() else around(at)
    }

    private fun newest() {
        val items = stored().items
        to = items.size
        from = maxOf(0, to - pageSize)
        following = true
        anchor = items.lastOrNull()?.key
    }

    private fun around(at: Int) {
        val items = stored().items
        from = maxOf(0, minOf(at - pageSize / 2, items.size - pageSize))
        to = minOf(items.size, from + pageSize)
        following = to == items.size
        anchor = items[at].key
    }

    private fun snapshot(revision: Long): TimelineState {
        if (world.locked) {
            return TimelineState(
                revision,
                locked = true,
                emptyList(),
                Edge.End,
                Edge.End,
                newBelow = 0,
                anchor = null,
            )
        }
        place()
        val items = stored().items
        if (following) {
            to = items.size
            from = maxOf(from, to - WIDEST)
        }
        return TimelineState(
            revision = revision,
            locked = false,
            items = items.subList(from, to).toList(),
            older = olderEdge ?: if (from == 0) Edge.End else Edge.More,
            newer = newerEdge ?: if (to == items.size) Edge.End else Edge.More,
            newBelow = minOf(MOST_BELOW, items.drop(to).count { it.isFromOthers }),
            anchor = anchor,
        )
    }

    private companion object {
        const val WIDEST = 300
        const val MOST_BELOW = 1_000

        /** Whether two snapshots show the same: their revisions differ always. */
        fun same(
            old: TimelineState,
            new: TimelineState,
        ): Boolean =
            old.locked == new.locked &&
                old.items == new.items &&
                old.older == new.older &&
                old.newer == new.newer &&
                old.newBelow == new.newBelow &&
                old.anchor == new.anchor
    }
}
