package health.curo.testing

import health.curo.AccessContext
import health.curo.ConnectionState
import health.curo.ConversationId
import health.curo.CuroException
import health.curo.ErrorCode
import health.curo.OnUnsent
import health.curo.OutboxState
import health.curo.SessionState
import health.curo.SignOutOutcome
import health.curo.Unread
import health.curo.UserId
import health.curo.use
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertIs
import kotlin.test.assertNotEquals
import kotlin.test.assertSame
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.seconds

private val LEE = UserId("lee")
private val KIM = UserId("kim")

internal suspend fun refused(
    code: ErrorCode,
    call: suspend () -> Unit,
) = assertEquals(code, assertFailsWith<CuroException> { call() }.code)

class FakeClientTest {
    private val client = FakeClient()

    @Test
    fun callsAreRecordedWithTheReasonTheyWereMadeFor(): Unit =
        runBlocking {
            val care = client.addConversation(listOf(LEE))
            val access = AccessContext("PATRQT")
            client.signIn()
            val id = client.withAccess(access).conversation(care.id).send("BP 118/76")
            val calls =
                listOf(
                    RecordedCall("signIn", null, emptyList(), null),
                    RecordedCall("send", care.id, listOf("BP 118/76", id), access),
                )
            assertEquals(calls, client.calls.made)
            assertEquals(calls.drop(1), client.calls.named("send"))
            assertFalse("BP" in client.calls.made.toString())
            client.calls.forget()
            assertEquals(emptyList(), client.calls.made)
        }

    @Test
    fun aCallFailsOnceOrAlwaysAndChangesNothingThen(): Unit =
        runBlocking {
            val care = client.addConversation(listOf(LEE))
            client.calls.failNext("send", CuroException(ErrorCode.STORAGE_FULL))
            refused(ErrorCode.STORAGE_FULL) { care.send("a") }
            assertEquals(emptyList(), care.messages)
            care.send("b")
            assertEquals(1, care.messages.size)
            client.calls.fail("findPeople", CuroException(ErrorCode.OFFLINE, retryable = true))
            repeat(2) { refused(ErrorCode.OFFLINE) { client.findPeople(listOf("lee")) } }
            client.calls.fail("findPeople", null)
            assertEquals(emptyList(), client.findPeople(listOf("lee")))
            client.addPerson("lee")
            assertEquals(listOf(LEE), client.findPeople(listOf("lee", "nobody")).map { it.user })
        }

    @Test
    fun aCallThatIsHeldReturnsWhenItIsReleased(): Unit =
        runBlocking {
            client.calls.hold("signIn")
            val signIn = async(start = CoroutineStart.UNDISPATCHED) { client.signIn() }
            assertTrue(signIn.isActive)
            client.calls.release("signIn")
            assertEquals(client.own, signIn.await())
            client.signIn()
        }

    @Test
    fun aLockedClientShowsAndTellsNothing(): Unit =
        runBlocking {
            val care = client.addConversation(listOf(LEE))
            care.receive("BP 118/76", from = LEE)
            assertEquals(Unread(1, 1), client.unread.value)
            client.lock()
            assertEquals(Unread(0, 0), client.unread.value)
            care.timeline().use { assertTrue(it.states.first().run { locked && items.isEmpty() }) }
            client.conversationList().use { assertTrue(it.states.first().run { locked && items.isEmpty() }) }
            assertEquals(null, care.states.first())
            refused(ErrorCode.LOCKED) { care.send("a") }
            refused(ErrorCode.LOCKED) { client.conversations() }
            client.unlock()
            assertEquals(Unread(1, 1), client.unread.value)
            assertEquals(listOf(care.id), client.conversations().map { it.id })
        }

    @Test
    fun inTheBackgroundCallsAreRefusedUntilTheAppIsBack(): Unit =
        runBlocking {
            val care = client.addConversation(listOf(LEE))
            client.suspend()
            refused(ErrorCode.LOCKED) { care.info() }
            assertTrue(client.runBackground(1.seconds).complete)
            client.resume()
            assertEquals(care.id, care.info().id)
        }

    @Test
    fun closingEndsFlowsAndCalls(): Unit =
        runBlocking {
            val care = client.addConversation(listOf(LEE))
            val shown = async(start = CoroutineStart.UNDISPATCHED) { care.timeline().states.toList() }
            val info = async(start = CoroutineStart.UNDISPATCHED) { care.states.toList() }
            client.close()
            client.close()
            shown.await()
            info.await()
            assertEquals(SessionState.CLOSED, client.session.value)
            refused(ErrorCode.CLOSED) { client.signIn() }
            refused(ErrorCode.CLOSED) { care.latest() }
        }

    @Test
    fun withoutAnAccountNothingIsSent(): Unit =
        runBlocking {
            val care = client.addConversation(listOf(LEE))
            client.forgetAccount()
            assertEquals(SessionState.SIGN_IN_NEEDED, client.session.value)
            assertEquals(null, client.account())
            refused(ErrorCode.SIGN_IN_NEEDED) { care.send("a") }
            refused(ErrorCode.SIGN_IN_NEEDED) { client.start() }
            client.signIn()
            client.start()
            assertEquals(ConnectionState.Live, client.connection.value)
            client.stop()
            assertEquals(ConnectionState.Stopped, client.connection.value)
        }

    @Test
    fun aSignOutKeepsWhatIsNotSentUnlessItMayBeLost(): Unit =
        runBlocking {
            client.addConversation(listOf(LEE)).send("a")
            assertEquals(SignOutOutcome.Unsent(OutboxState(1, 0)), client.signOut(1.seconds))
            assertIs<SignOutOutcome.SignedOut>(client.signOut(1.seconds, OnUnsent.DISCARD))
            assertEquals(SessionState.WIPED, client.session.value)
            refused(ErrorCode.STORE_MISSING) { client.conversations() }
        }

    @Test
    fun aListHasTheNewestActivityFirstAndKeepsWhatHasNotChanged(): Unit =
        runBlocking {
            val ward = client.addConversation(listOf(LEE), "Ward 4")
            val kim = client.addDirectConversation(KIM)
            client.conversationList().use { list ->
                val before = list.states.first()
                assertEquals(listOf(kim.id, ward.id), before.items.map { it.id })
                ward.receive("BP 118/76", from = LEE)
                val after = list.states.first { it.items.first().id == ward.id }
                assertSame(before.items[0], after.items[1])
                assertNotEquals(before.items[1].revision, after.items[0].revision)
                assertEquals(1, after.items[0].row.unread)
                assertEquals(KIM, after.items[1].row.directWith)
            }
        }

    @Test
    fun aConversationIsMadeOnceForTwoPeopleAndForEachCallOtherwise(): Unit =
        runBlocking {
            assertEquals(client.directConversation(KIM).id, client.directConversation(KIM).id)
            val made = List(2) { client.createConversation(listOf(LEE)).id }
            assertNotEquals(made[0], made[1])
            assertEquals(
                setOf(client.own.user, LEE),
                client
                    .conversation(made[0])
                    .info()
                    .members
                    .toSet(),
            )
            refused(ErrorCode.INVALID_ARGUMENT) { client.createConversation(emptyList()) }
            refused(ErrorCode.UNKNOWN) { client.conversation(ConversationId("other")).info() }
            refused(ErrorCode.UNKNOWN) { client.conversation(ConversationId("other")).states.first() }
        }

    @Test
    fun aCallerWhoIsGoneAsksForNothing(): Unit =
        runBlocking {
            val care = client.addConversation(listOf(LEE))
            launch(start = CoroutineStart.UNDISPATCHED) {
                coroutineContext[kotlinx.coroutines.Job]?.cancel()
                care.send("a")
            }.join()
            assertEquals(emptyList(), client.calls.made)
        }
}
