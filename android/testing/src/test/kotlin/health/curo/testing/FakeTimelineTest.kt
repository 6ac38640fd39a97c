package health.curo.testing

import health.curo.Body
import health.curo.Edge
import health.curo.Entry
import health.curo.ErrorCode
import health.curo.ItemKey
import health.curo.Start
import health.curo.TimelineState
import health.curo.UserId
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNotSame
import kotlin.test.assertSame
import kotlin.test.assertTrue

private val LEE = UserId("lee")

class FakeTimelineTest {
    private val client = FakeClient()
    private val care = client.addConversation(listOf(LEE))

    private val TimelineState.texts: List<String>
        get() = items.map { ((it.item.entry as Entry.Message).message.body as Body.Text).text }

    private fun arrive(count: Int) = (1..count).map { care.receive("$it", from = LEE) }

    @Test
    fun anItemThatHasNotChangedIsTheSameInstance(): Unit =
        runBlocking {
            val messages = arrive(2)
            care.timeline().use { screen ->
                val before = screen.states.first()
                care.receiveEdit(messages[1].reference, "edited")
                val after = screen.states.first { it.texts.last() == "edited" }
                assertSame(before.items[0], after.items[0])
                assertNotSame(before.items[1], after.items[1])
                assertEquals(before.items[1].key, after.items[1].key)
                assertTrue(before.revision < after.revision)
            }
        }

    @Test
    fun whoIsSlowGetsTheNewestState(): Unit =
        runBlocking {
            val goOn = CompletableDeferred<Unit>()
            val screen = care.timeline()
            val seen = mutableListOf<Int>()
            val collector =
                launch(start = CoroutineStart.UNDISPATCHED) {
                    screen.states.collect {
                        seen += it.items.size
                        goOn.await()
                    }
                }
            screen.states.first()
            arrive(100)
            goOn.complete(Unit)
            screen.states.first { it.items.size == 100 }
            while (seen.last() < 100) kotlinx.coroutines.yield()
            assertTrue(seen.size <= 3, "$seen")
            screen.close()
            collector.join()
        }

    @Test
    fun itBeginsAtTheFirstUnreadAndGrows(): Unit =
        runBlocking {
            val messages = arrive(120)
            care.markRead(messages[59].reference)
            care.timeline(pageSize = 20).use { screen ->
                val first = screen.states.first()
                assertEquals((51..70).map { "$it" }, first.texts)
                assertEquals(messages[60].key, first.anchor)
                assertEquals(Edge.More to Edge.More, first.older to first.newer)
                assertEquals(50, first.newBelow)
                screen.loadOlder()
                screen.loadNewer()
                assertEquals((31..90).map { "$it" }, screen.states.first().texts)
                care.receive("121", from = LEE)
                assertEquals(31, screen.states.first().newBelow)
                screen.jumpToNewest()
                assertEquals((102..121).map { "$it" }, screen.states.first().texts)
                care.receive("122", from = LEE)
                val last = screen.states.first { it.texts.last() == "122" }
                assertEquals(Edge.End to 0, last.newer to last.newBelow)
                screen.jumpTo(messages[0].key)
                assertEquals(Edge.End, screen.states.first().older)
                refused(ErrorCode.UNKNOWN) { screen.jumpTo(ItemKey("other")) }
            }
            care.timeline(Start.At(messages[9].key), pageSize = 4).use {
                assertEquals(listOf("8", "9", "10", "11"), it.states.first().texts)
            }
            care.timeline(Start.At(ItemKey("other")), pageSize = 2).use {
                assertEquals(listOf("121", "122"), it.states.first().texts)
            }
        }

    @Test
    fun itIsThreeHundredItemsWideAtMost(): Unit =
        runBlocking {
            arrive(700)
            care.timeline(Start.Newest, pageSize = 200).use { screen ->
                screen.loadOlder()
                val grown = screen.states.first()
                assertEquals((301..600).map { "$it" }, grown.texts)
                assertEquals(100, grown.newBelow)
            }
            refused(ErrorCode.INVALID_ARGUMENT) { care.timeline(pageSize = 301).loadOlder() }
            refused(ErrorCode.INVALID_ARGUMENT) { care.timeline(pageSize = 0).states.first() }
        }

    @Test
    fun whatTheEdgesSayCanBeSet(): Unit =
        runBlocking {
            arrive(3)
            care.timeline().use { screen ->
                screen.setOlder(Edge.Loading)
                assertEquals(Edge.Loading, screen.states.first().older)
                screen.setNewer(Edge.More)
                assertEquals(Edge.More, screen.states.first { it.newer != Edge.End }.newer)
                screen.setOlder(null)
                assertEquals(Edge.End, screen.states.first { it.older != Edge.Loading }.older)
            }
        }

    @Test
    fun closingItEndsItsFlow(): Unit =
        runBlocking {
            val screen = care.timeline()
            val shown = async(start = CoroutineStart.UNDISPATCHED) { screen.states.toList() }
            screen.close()
            screen.close()
            shown.await()
            refused(ErrorCode.CLOSED) { screen.loadOlder() }
        }
}
