package health.curo

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

/** Callers that go away. */
class CancelTest {
    @Test
    fun whoeverIsCancelledWhileItOpensLeavesNothingOpen() =
        app {
            val root = folder()
            val asked = CompletableDeferred<Unit>()
            val answer = CompletableDeferred<Unit>()
            val keys = MemoryVault()
            alone(keys, root).close()
            val slow =
                object : KeyVault by keys {
                    override suspend fun loadKey(profile: ProfileId): StoreKey {
                        asked.complete(Unit)
                        answer.await()
                        return keys.loadKey(profile)
                    }
                }
            val opening = launch { alone(slow, root) }
            asked.await()
            opening.cancelAndJoin()
            answer.complete(Unit)
            // It is closed behind the caller's back; until then the store is busy.
            var open: Client? = null
            while (open == null) {
                open =
                    try {
                        alone(keys, root)
                    } catch (failure: CuroException) {
                        assertEquals(ErrorCode.BUSY, failure.code)
                        null
                    }
            }
            open.close()
            assertEquals(1, keys.size)
        }

    @Test
    fun aMessageIsSentAlthoughItsCallerHasGone() =
        two { pair ->
            val ids = List(20) { MessageId.random() }
            for (id in ids) {
                launch(start = CoroutineStart.UNDISPATCHED) { pair.anas.send("gone", id) }.cancelAndJoin()
            }
            for (id in ids) pair.bens.has { it.id == id }
            assertEquals(
                20,
                pair.bens
                    .latest()
                    .items
                    .count { it.entry is Entry.Message },
            )
        }

    @Test
    fun whoeverIsGoneBeforeAsksForNothing() =
        two { pair ->
            val id = MessageId.random()
            val caller = launch(start = CoroutineStart.LAZY) {}
            caller.cancel()
            val sent =
                runCatching {
                    kotlinx.coroutines.withContext(caller) { pair.anas.send("never", id) }
                }
            assertFailsWith<kotlinx.coroutines.CancellationException> { sent.getOrThrow() }
            refused(ErrorCode.UNKNOWN) { pair.anas.delivery(id) }
        }

    @Test
    fun aCollectorThatGoesTakesNothingAway() =
        two { pair ->
            pair.bens.timeline(Start.Newest).use { screen ->
                val first = screen.states.first()
                repeat(10) {
                    launch(start = CoroutineStart.UNDISPATCHED) { screen.states.collect {} }.cancelAndJoin()
                }
                pair.anaSays("still there?")
                val next = screen.states.first { it.messages().isNotEmpty() }
                assertTrue(next.revision > first.revision)
            }
        }
}
