package health.curo

import kotlinx.coroutines.flow.first
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNull
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.seconds

/** Locking, and going to the background and back. */
class LockTest {
    @Test
    fun aLockedClientShowsNothingAndHasAllAfterwards() =
        two { pair ->
            pair.anaSays("before")
            pair.ben.unread.until { it.messages == 1 }
            assertFalse(pair.ben.isLocked())
            pair.ben.lock()
            assertTrue(pair.ben.isLocked())
            assertEquals(SessionState.LOCKED, pair.ben.session.until { it == SessionState.LOCKED })
            pair.ben.unread.until { it.messages == 0 }
            refused(ErrorCode.LOCKED) { pair.ben.conversations() }
            refused(ErrorCode.LOCKED) { pair.bens.latest() }
            refused(ErrorCode.LOCKED) { pair.bens.send("locked") }
            assertNull(pair.bens.states.first())
            pair.bens.timeline().use { screen ->
                val shown = screen.states.first()
                assertTrue(shown.locked)
                assertEquals(emptyList(), shown.items)
            }
            pair.anas.send("meanwhile")
            pair.ben.unlock()
            pair.ben.start()
            pair.ben.session.until { it == SessionState.ACTIVE }
            pair.bens.has { it.text == "meanwhile" }
            assertEquals(
                listOf("before", "meanwhile"),
                pair.bens
                    .latest()
                    .items
                    .mapNotNull { it.said() },
            )
        }

    @Test
    fun aScreenThatIsOpenEmptiesAndFillsAgain() =
        two { pair ->
            pair.anaSays("before")
            pair.bens.timeline(Start.Newest).use { screen ->
                screen.states.first { it.messages().isNotEmpty() }
                pair.ben.lock()
                screen.states.first { it.locked && it.items.isEmpty() }
                pair.ben.unlock()
                screen.states.first { !it.locked && it.messages().any { message -> message.text == "before" } }
            }
        }

    @Test
    fun suspendedNothingWorksUntilResumed() =
        two { pair ->
            pair.ben.suspend()
            refused(ErrorCode.LOCKED) { pair.ben.conversations() }
            pair.anas.send("while away")
            pair.ben.resume()
            pair.ben.start()
            pair.bens.has { it.text == "while away" }
        }

    @Test
    fun backgroundWorkFetchesWhileLocked() =
        two { pair ->
            pair.ben.stop()
            pair.ben.lock()
            pair.anas.send("asleep")
            pair.anas.has { it.text == "asleep" && it.delivery == DeliveryState.Sent }
            val outcome = pair.ben.runBackground(60.seconds)
            assertTrue(outcome.complete, "$outcome")
            assertEquals(1, outcome.newMessages)
            assertEquals(0, outcome.waiting)
            assertEquals(listOf(pair.id), outcome.conversations)
            refused(ErrorCode.LOCKED) { pair.bens.latest() }
            pair.ben.unlock()
            pair.bens.has { it.text == "asleep" }
        }

    @Test
    fun aNewKeyForTheStoreLosesNothing() =
        two { pair ->
            pair.anaSays("kept")
            pair.ben.rekey()
            assertEquals(
                listOf("kept"),
                pair.bens
                    .latest()
                    .items
                    .mapNotNull { it.said() },
            )
        }

    private fun Item.said(): String? = (entry as? Entry.Message)?.message?.text
}
