package health.curo

import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlin.concurrent.thread
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertIs
import kotlin.test.assertTrue

/** The end of things, from any thread, in any order, more than once. */
class ClosingTest {
    @Test
    fun aClientIsClosedByManyAtOnceWhileItIsUsed() =
        app {
            val client = signedIn(person("ana"))
            val list = client.conversationList()
            list.states.first()
            val watched = async(Dispatchers.IO) { list.states.toList() }
            val calls =
                List(8) {
                    async(Dispatchers.IO) {
                        generateSequence { }
                            .map { runCatching { kotlinx.coroutines.runBlocking { client.conversations() } } }
                            .first { it.isFailure }
                            .exceptionOrNull()
                    }
                }
            List(4) { async(Dispatchers.Default) { client.close() } }.awaitAll()
            for (failure in calls.awaitAll()) assertEquals(ErrorCode.CLOSED, assertIs<CuroException>(failure).code)
            watched.await()
            assertEquals(SessionState.CLOSED, client.session.value)
            refused(ErrorCode.CLOSED) { client.signIn() }
            refused(ErrorCode.CLOSED) { client.conversation(ConversationId("00".repeat(16))).info() }
            client.noteUserActivity()
            client.networkChanged()
            repeat(2) { list.close() }
        }

    @Test
    fun aScreenIsClosedFromAnyThreadBeforeAndAfterItsClient() =
        two { pair ->
            val screens = List(4) { pair.bens.timeline() }
            val unused = pair.bens.timeline()
            for (screen in screens) screen.states.first()
            val watched = screens.map { async(start = CoroutineStart.UNDISPATCHED) { it.states.toList() } }
            screens.take(2).map { screen -> thread { repeat(2) { screen.close() } } }.forEach { it.join() }
            watched.take(2).awaitAll()
            refused(ErrorCode.CLOSED) { screens.first().loadOlder() }
            pair.ben.close()
            watched.awaitAll()
            screens.map { screen -> thread { screen.close() } }.forEach { it.join() }
            unused.close()
            assertEquals(emptyList(), screens.last().states.toList())
            refused(ErrorCode.CLOSED) { unused.jumpToNewest() }
        }

    @Test
    fun theStoreIsFreeWhenCloseReturns() =
        app {
            val root = folder()
            val vault = MemoryVault()
            val profiles = List(10) { alone(vault, root).use { it.profile } }
            assertEquals(1, profiles.toSet().size)
        }

    @Test
    fun closingFinishesAlthoughItsCallerHasGone() =
        app {
            val root = folder()
            val vault = MemoryVault()
            val client = alone(vault, root)
            val closing = launch(start = CoroutineStart.UNDISPATCHED) { client.close() }
            closing.cancel()
            closing.join()
            alone(vault, root).close()
            assertTrue(client.session.value == SessionState.CLOSED)
        }
}
