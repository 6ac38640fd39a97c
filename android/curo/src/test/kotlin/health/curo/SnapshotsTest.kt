package health.curo

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.onEach
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNotEquals
import kotlin.test.assertNotSame
import kotlin.test.assertSame
import kotlin.test.assertTrue

/** What screens are given: whole states, the newest first, and the same instance for what has not changed. */
class SnapshotsTest {
    @Test
    fun anItemThatHasNotChangedIsTheSameInstance() =
        two { pair ->
            val kept = pair.anaSays("kept")
            val edited = pair.anaSays("to be edited")
            pair.bens.timeline(Start.Newest).use { screen ->
                val both = CompletableDeferred<TimelineState>()
                val after =
                    async {
                        screen.states
                            .onEach { if (it.messages().size == 2) both.complete(it) }
                            .first { it.messages().any(Message::edited) }
                    }
                val before = both.await()
                pair.anas.edit(edited, "edited")
                val now = after.await()
                assertSame(before.of(kept), now.of(kept))
                assertNotSame(before.of(edited), now.of(edited))
                assertEquals(before.of(edited).key, now.of(edited).key)
                assertNotEquals(before.of(edited).revision, now.of(edited).revision)
            }
        }

    @Test
    fun twoCollectorsEachHaveTheirOwnPlace() =
        two { pair ->
            pair.bens.timeline(Start.Newest).use { screen ->
                val one = async { screen.states.first { it.messages().size == 2 } }
                val other = async { screen.states.first { it.messages().size == 2 } }
                pair.anaSays("first")
                pair.anaSays("second")
                assertEquals(one.await().messages().map { it.text }, other.await().messages().map { it.text })
            }
        }

    @Test
    fun aKeyIsTheSameFromQueuedToRead() =
        two { pair ->
            pair.ana.stop()
            val id = pair.anas.send("on its way")
            val queued = pair.anas.has { it.id == id }
            assertEquals(DeliveryState.Queued, queued.delivery)
            pair.ana.start()
            pair.bens.markRead(pair.bens.has { it.id == id }.reference)
            val read = pair.anas.has { it.delivery == DeliveryState.Read(1, 1) }
            assertEquals(queued.key, read.key)
        }

    @Test
    fun aWindowIsReadInPagesAndJumps() =
        two { pair ->
            val sent = List(12) { pair.anas.send("line $it") }
            pair.bens.has { it.id == sent.last() }
            pair.bens.timeline(Start.Newest, pageSize = 5).use { screen ->
                var shown = screen.states.first { it.messages().isNotEmpty() }
                assertTrue(shown.items.size <= 5)
                assertEquals(Edge.More, shown.older)
                assertEquals(Edge.End, shown.newer)
                while (shown.older == Edge.More) {
                    val before = shown.items.size
                    screen.loadOlder()
                    shown = screen.states.first { it.items.size > before }
                }
                assertEquals(sent, shown.messages().map { it.id })
                screen.jumpTo(shown.messages().first().key)
                val top = screen.states.first { it.anchor == shown.messages().first().key }
                assertTrue(top.messages().any { it.id == sent.first() })
                screen.jumpToNewest()
                screen.states.first { it.newer == Edge.End && it.messages().last().id == sent.last() }
                refused(ErrorCode.INVALID_ARGUMENT) { screen.jumpTo(ItemKey("no key")) }
            }
            pair.bens.timeline(pageSize = 0).use { refused(ErrorCode.INVALID_ARGUMENT) { it.states.first() } }
            pair.ben.conversationList(301).use { refused(ErrorCode.INVALID_ARGUMENT) { it.states.first() } }
        }

    private fun TimelineState.of(message: MessageRef): TimelineItem =
        items.single { (it.item.entry as? Entry.Message)?.message?.reference == message }
}
