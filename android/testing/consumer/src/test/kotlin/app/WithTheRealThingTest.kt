package app

import health.curo.Body
import health.curo.Client
import health.curo.ClientOptions
import health.curo.CuroException
import health.curo.Entry
import health.curo.ErrorCode
import health.curo.LogBatch
import health.curo.LogLevel
import health.curo.TimelineState
import health.curo.TokenReason
import health.curo.VaultFailure
import health.curo.clearLogSink
import health.curo.setLogSink
import health.curo.testing.LoopbackRelay
import health.curo.testing.MemoryVault
import health.curo.testing.StaticTokens
import health.curo.use
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import java.nio.file.Files
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.minutes

/** Two real clients and a real relay, all from the jar. */
class WithTheRealThingTest {
    private suspend fun LoopbackRelay.person(subject: String): Client {
        val folder = Files.createTempDirectory("app").toFile()
        return Client.open(options(folder), MemoryVault(), tokens(subject)).also {
            it.signIn()
            it.start()
        }
    }

    private val TimelineState.texts
        get() = items.mapNotNull { ((it.item.entry as? Entry.Message)?.message?.body as? Body.Text)?.text }

    @Test
    fun aMessageArrives(): Unit =
        runBlocking {
            // Waited out only when it fails.
            withTimeout(3.minutes) {
                LoopbackRelay.start().use { relay ->
                    val (lee, kim) = relay.person("lee") to relay.person("kim")
                    val care = lee.createConversation(kim.account()!!.let { listOf(it.user) }).conversation
                    care.send("BP 118/76")
                    val row = kim.conversationList().use { list -> list.states.first { it.items.isNotEmpty() } }.items.single()
                    val shown = kim.conversation(row.id).timeline().use { it.states.first { state -> state.texts.isNotEmpty() } }
                    assertEquals(listOf("BP 118/76"), shown.texts)
                    lee.close()
                    kim.close()
                }
            }
        }

    @Test
    fun whatIsRefusedSaysWhyAndTheLogComes(): Unit =
        runBlocking {
            withTimeout(3.minutes) {
                val logged = CompletableDeferred<LogBatch>()
                setLogSink({ logged.complete(it) }, LogLevel.DEBUG)
                val options = ClientOptions(Files.createTempDirectory("app").toFile(), "https://127.0.0.1:9")
                val vault = MemoryVault().apply { failure = VaultFailure.USER_AUTH_NEEDED }
                val refused = assertFailsWith<CuroException> { Client.open(options, vault, StaticTokens(null)) }
                assertEquals(ErrorCode.VAULT_USER_AUTH_NEEDED, refused.code)
                vault.failure = null
                val tokens = StaticTokens(null)
                Client.open(options, vault, tokens).use { client ->
                    val unsigned = assertFailsWith<CuroException> { client.signIn() }
                    assertEquals(ErrorCode.SIGN_IN_NEEDED, unsigned.code)
                    assertTrue(TokenReason.FIRST in tokens.reasons)
                }
                assertTrue(logged.await().records.isNotEmpty())
                clearLogSink()
            }
        }
}
