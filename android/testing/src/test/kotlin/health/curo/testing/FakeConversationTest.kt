package health.curo.testing

import health.curo.Body
import health.curo.ConversationState
import health.curo.DeliveryState
import health.curo.Entry
import health.curo.ErrorCode
import health.curo.Failure
import health.curo.IntentStatus
import health.curo.Item
import health.curo.Member
import health.curo.MessageId
import health.curo.NewMessage
import health.curo.OutboxState
import health.curo.Priority
import health.curo.Unread
import health.curo.UserId
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertIs
import kotlin.test.assertTrue

private val LEE = UserId("lee")

class FakeConversationTest {
    private val client = FakeClient()
    private val care = client.addConversation(listOf(LEE), "Ward 4")

    private val last get() = care.messages.last()

    @Test
    fun aMessageGoesThroughItsStates(): Unit =
        runBlocking {
            val id = care.send("BP 118/76")
            assertEquals(DeliveryState.Queued, care.delivery(id))
            assertEquals(OutboxState(1, 0), client.outbox.value)
            client.deliver()
            assertEquals(DeliveryState.Sent, last.delivery)
            assertEquals(OutboxState(0, 0), client.outbox.value)
            care.deliver(id, DeliveryState.Read(1, 1))
            assertEquals(DeliveryState.Read(1, 1), care.delivery(id))
            assertEquals(IntentStatus.Done, care.intent(id.intent))
        }

    @Test
    fun theSameIdIsTheSameMessageWithItsFirstText(): Unit =
        runBlocking {
            val id = MessageId.random()
            care.send("first", id)
            care.send("second", id)
            assertEquals(listOf<Body>(Body.Text("first")), care.messages.map { it.body })
        }

    @Test
    fun whatHasFailedIsTriedAgainOrTakenBack(): Unit =
        runBlocking {
            val id = care.send("a")
            care.deliver(id, DeliveryState.Failed(Failure(ErrorCode.TOO_LARGE, retryable = false, retryAfter = null)))
            assertEquals(OutboxState(0, 1), client.outbox.value)
            care.retry(id.intent)
            assertEquals(DeliveryState.Queued, care.delivery(id))
            assertTrue(care.cancel(id.intent))
            assertEquals(Body.Deleted, last.body)
            val sent = care.send("b")
            client.deliver()
            assertFalse(care.cancel(sent.intent))
        }

    @Test
    fun unreadFollowsWhatArrivesIsReadAndIsMuted(): Unit =
        runBlocking {
            val messages = List(3) { care.receive("$it", from = LEE) }
            assertEquals(Unread(3, 1), client.unread.value)
            care.markRead(messages[1].reference)
            assertEquals(1, care.unread())
            care.markRead(messages[0].reference)
            assertEquals(1, care.unread())
            care.mute()
            assertEquals(Unread(0, 0), client.unread.value)
            assertTrue(care.isMuted())
            care.unmute()
            assertEquals(Unread(1, 1), client.unread.value)
        }

    @Test
    fun changesOfMessagesShow(): Unit =
        runBlocking {
            val theirs = care.receive("BP 180/110", from = LEE, priority = Priority.URGENT)
            care.react(theirs.reference, "👍")
            assertEquals(null, care.react(theirs.reference, "👍"))
            care.receiveReaction(theirs.reference, "👍", from = LEE)
            assertEquals(
                2,
                last.reactions
                    .single()
                    .users.size,
            )
            care.unreact(theirs.reference, "👍")
            assertEquals(listOf(LEE), last.reactions.single().users)
            care.acknowledge(theirs.reference)
            assertEquals(listOf(client.own.user), care.acknowledgements(theirs.reference).map { it.user })
            assertEquals(null, care.acknowledge(theirs.reference))
            refused(ErrorCode.NOT_ALLOWED) { care.edit(theirs.reference, "other") }
            care.receiveEdit(theirs.reference, "BP 118/76")
            assertEquals(Body.Text("BP 118/76"), last.body)
            assertTrue(last.edited)
            care.amend(theirs.reference, "right arm")
            assertEquals(Body.Amendment(theirs.reference, "right arm"), last.body)
            care.receiveDeletion(theirs.reference)
            assertEquals(Body.Deleted, care.messages.first().body)
            val own = care.send("typo")
            care.edit(last.reference, "text")
            assertEquals(Body.Text("text"), last.body)
            care.delete(last.reference)
            assertEquals(Body.Deleted, last.body)
            assertEquals(own, last.id)
        }

    @Test
    fun pagesHaveEveryItemOnce(): Unit =
        runBlocking {
            repeat(25) { care.receive("$it", from = LEE) }
            val all = care.latest(300).items
            assertEquals(25, all.size)
            val newest = care.latest(10)
            assertEquals(null, newest.newer)
            val pages = generateSequence(newest) { page -> page.older?.let { runBlocking { care.before(it, 10) } } }
            assertEquals(all, pages.toList().reversed().flatMap { it.items })
            val first = care.after(all.first().cursor, 300)
            assertEquals(all.drop(1), first.items)
            assertEquals(null, first.newer)
            refused(ErrorCode.INVALID_ARGUMENT) { care.latest(0) }
            refused(ErrorCode.INVALID_ARGUMENT) { care.latest(301) }
        }

    @Test
    fun threadsAndAnswers(): Unit =
        runBlocking {
            val root = care.receive("root", from = LEE).reference
            care.send(NewMessage("in it", thread = root))
            care.send(NewMessage("answer", replyTo = root))
            val item: (Item) -> Body = { (it.entry as Entry.Message).message.body }
            assertEquals(listOf<Body>(Body.Text("in it")), care.thread(root).items.map(item))
            assertEquals(listOf<Body>(Body.Text("answer")), care.replies(root).map(item))
            assertEquals(1, care.messages.first().threadCount)
            assertEquals("root", last.replyTo?.text)
        }

    @Test
    fun searchFindsBeginningsOfWordsTheNewestFirst(): Unit =
        runBlocking {
            care.receive("Potassium is 5.1", from = LEE)
            care.receive("give POTASSIUM chloride", from = LEE)
            val page = client.search("potas", limit = 1)
            assertEquals("give POTASSIUM chloride", page.hits.single().snippet)
            assertEquals(
                5 to 14,
                page.hits
                    .single()
                    .highlights
                    .single()
                    .let { it.start to it.end },
            )
            assertEquals(
                "Potassium is 5.1",
                client
                    .search("potas", page.next, 1)
                    .hits
                    .single()
                    .snippet,
            )
            assertEquals(2, care.search("potassium").hits.size)
            assertEquals(0, care.search("potassium sodium").hits.size)
            assertEquals(0, care.search("").hits.size)
        }

    @Test
    fun peopleComeAndGo(): Unit =
        runBlocking {
            val kim = UserId("kim")
            care.add(listOf(kim))
            assertTrue(kim in care.info().members)
            care.remove(listOf(kim))
            assertFalse(kim in care.info().members)
            val members = listOf(Member(LEE, "admin", null, mandatory = true, dormant = false))
            care.setMembers(members)
            refused(ErrorCode.MANDATORY_MEMBER) { care.remove(listOf(LEE)) }
            care.leave()
            assertEquals(ConversationState.REMOVED, care.info().state)
            refused(ErrorCode.REMOVED) { care.send("a") }
            refused(ErrorCode.NOT_DIRECT) { client.addDirectConversation(kim).add(listOf(LEE)) }
        }

    @Test
    fun itsHeadFollowsItsCalls(): Unit =
        runBlocking {
            assertEquals("Ward 4", care.states.first()?.title)
            care.setTitle("Ward 5")
            assertEquals("Ward 5", care.states.first { it?.title != "Ward 4" }?.title)
            care.setState(ConversationState.FROZEN, ErrorCode.KEY_MISMATCH)
            assertEquals(ErrorCode.KEY_MISMATCH, care.info().frozen)
            care.rejoin()
            assertEquals(ConversationState.ACTIVE, care.info().state)
            care.setDraft("half")
            assertEquals("half", care.draft()?.text)
            care.setDraft("")
            assertEquals(null, care.draft())
            assertIs<Entry.About>(
                care
                    .latest()
                    .items
                    .last()
                    .entry,
            )
        }
}
