package health.curo.sample

import health.curo.Body
import health.curo.Client
import health.curo.Conversation
import health.curo.CreateOptions
import health.curo.Edge
import health.curo.Entry
import health.curo.ErrorCode
import health.curo.Message
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse

/** Generous: it is only waited out when a test fails. */
private const val SOON_MS = 180_000L

/** The sample's screen, driven as the activity drives it, over the real library and a real relay. */
class ConversationModelTest {
    @Test
    fun aConversationOnAScreen() =
        care { kim, lee, care ->
            val model = ConversationModel(care)
            val screen = launch { model.follow() }
            model.screen.first { it.title == "Bed 12" }
            model.write("BP 118/76")
            model.send()
            assertEquals("", model.screen.value.draft)
            model.screen.first { screen -> screen.messages().any { it.said == "BP 118/76" } }

            lee.unread.first { it.messages == 1 }
            lee.conversation(care.id).send("thank you")
            val answered = model.screen.first { screen -> screen.messages().any { it.said == "thank you" } }
            model.saw(answered.messages().last { !it.own })
            kim.unread.first { it.messages == 0 }

            kim.lock()
            model.screen.first { it.locked && it.items.isEmpty() }
            model.write("while locked")
            assertEquals(ErrorCode.LOCKED, model.screen.value.problem)
            kim.unlock()
            model.screen.first { !it.locked && it.items.isNotEmpty() }
            assertFalse("while" in model.screen.value.toString())
            screen.cancelAndJoin()
            model.close()
        }

    @Test
    fun aScreenThatComesBackHasTheDraftAndGoesOn() =
        care { _, lee, care ->
            val first = ConversationModel(care)
            first.write("BP 1")
            first.write("BP 118")
            first.close()
            val model = ConversationModel(care)
            val stopped = launch { model.follow() }
            model.screen.first { it.draft == "BP 118" }
            stopped.cancelAndJoin()
            lee.conversation(care.id).send("while in the background")
            val started = launch { model.follow() }
            model.screen.first { screen -> screen.messages().any { it.said == "while in the background" } }
            assertEquals("BP 118", model.screen.value.draft)
            started.cancelAndJoin()
            model.close()
        }

    @Test
    fun twoTapsSendOnce() =
        care { _, lee, care ->
            val model = ConversationModel(care)
            model.write("once")
            val taps = List(2) { launch { model.send() } }
            taps.forEach { it.join() }
            model.write("last")
            model.send()
            val there = lee.conversation(care.id)
            there.timeline().use { screen ->
                screen.states.first { state ->
                    state.items.any {
                        (it.item.entry as? Entry.Message)?.message?.said ==
                            "last"
                    }
                }
            }
            val said = there.latest().items.mapNotNull { (it.entry as? Entry.Message)?.message?.said }
            assertEquals(listOf("once", "last"), said)
            model.close()
        }

    @Test
    fun oneScrollsUpAndGoesDown() =
        care { _, _, care ->
            repeat(120) { care.send("line $it") }
            val model = ConversationModel(care)
            val screen = launch { model.follow() }
            model.screen.first { it.items.isNotEmpty() && it.older == Edge.More }
            while (model.screen.value.older != Edge.End) {
                model.loadOlder()
                model.screen.first { it.older != Edge.Loading }
            }
            assertEquals(
                "line 0",
                model.screen.value
                    .messages()
                    .first()
                    .said,
            )
            model.goDown()
            model.screen.first { it.messages().lastOrNull()?.said == "line 119" }
            screen.cancelAndJoin()
            model.close()
        }

    @Test
    fun aClosedClientEndsTheScreenAndSaysSo() =
        care { kim, _, care ->
            val model = ConversationModel(care)
            val screen = launch { model.follow() }
            model.screen.first { it.title == "Bed 12" }
            kim.close()
            screen.join()
            model.write("closed")
            assertEquals(ErrorCode.CLOSED, model.screen.value.problem)
            assertEquals("closed", model.screen.value.draft)
            model.close()
        }

    private fun ConversationModel.Screen.messages(): List<Message> =
        items.mapNotNull { (it.item.entry as? Entry.Message)?.message }

    private val Message.said: String? get() = (body as? Body.Text)?.text

    /** Runs a test with two people and their conversation. */
    private fun care(test: suspend CoroutineScope.(Client, Client, Conversation) -> Unit): Unit =
        runBlocking {
            withTimeout(SOON_MS) {
                Loopback().use { relay ->
                    val kim = relay.person("rn-kim")
                    val lee = relay.person("dr-lee")
                    val found = kim.findPeople(listOf("dr-lee")).map { it.user }
                    val care = kim.createConversation(found, CreateOptions("Bed 12")).conversation
                    lee.conversationList().use { list -> list.states.first { it.items.isNotEmpty() } }
                    test(kim, lee, care)
                    kim.close()
                    lee.close()
                }
            }
        }
}
