package health.curo

import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import java.io.File
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** The example of docs/kotlin.md, as it stands there, with two phones. */
class QuickStartTest {
    @Test
    fun theExampleRuns() =
        app {
            val lee = person("dr-lee")
            val other = signedIn(lee)
            val kim = person("rn-kim")
            quickStart(here(), MemoryVault(), { relay.token(kim) }, lee)
            other.conversationList().use { list -> list.states.first { it.items.isNotEmpty() } }
            val id = other.conversations().single().id
            assertEquals("BP 118/76", other.conversation(id).has { it.text != null }.text)
            other.close()
        }

    @Test
    fun theDocumentationShowsItAndItIsShort() {
        val own = File("src/test/kotlin/health/curo/QuickStartTest.kt").readText()
        val example = own.substringAfterLast("// The example:\n").trimEnd()
        assertTrue(example.lines().size < 25, "${example.lines().size} lines")
        assertTrue(File("../../docs/kotlin.md").readText().contains("```kotlin\n$example\n```"))
    }
}

// The example:
suspend fun quickStart(
    options: ClientOptions, // ClientOptions(File(filesDir, "curo"), "https://relay.example")
    vault: KeyVault,
    tokens: TokenProvider, // { reason -> auth.freshAccessToken(reason) }
    colleague: String,
) = coroutineScope {
    Client.open(options, vault, tokens).use { client ->
        client.signIn() // once: registers this device
        client.start() // live, until stop, lock or close
        val lee = client.findPeople(listOf(colleague)).single()
        val care = client.createConversation(listOf(lee.user), CreateOptions("Ward 4, bed 12")).conversation
        val id = care.send("BP 118/76") // durable when it returns, also offline
        care.timeline().use { screen ->
            val shown = launch { screen.states.collect { println("${it.items.size} items, older: ${it.older}") } }
            screen.states.first { state ->
                val sent = state.items.mapNotNull { (it.item.entry as? Entry.Message)?.message }.find { it.id == id }
                sent != null && sent.delivery != DeliveryState.Queued // the relay has it
            }
            shown.cancel()
        }
    }
}
