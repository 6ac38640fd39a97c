package health.curo.ffi

import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import java.nio.charset.CharacterCodingException
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** Generous: it is only waited out when a test fails. */
private const val SOON_MS = 120_000L

/** What is generated, on a JVM with the host's library: calls, streams, what the app implements, errors, the end. */
class GeneratedTest {
    @Test
    fun aStreamIsPulledCancelledAndWokenByTheEnd() =
        runBlocking {
            val client = alone()
            assertEquals(SessionState.SIGN_IN_NEEDED, client.session())
            val outbox = client.observeOutbox()
            val first = outbox.next(0)
            assertEquals(OutboxState(0, 0), first.state)
            // Whoever goes away loses nothing and takes nothing away.
            launch(Dispatchers.IO, CoroutineStart.UNDISPATCHED) { outbox.next(first.revision) }.cancelAndJoin()
            assertEquals(first, outbox.next(0))
            val ended =
                async(Dispatchers.IO, CoroutineStart.UNDISPATCHED) {
                    assertFailsWith<CuroException.Failed> {
                        var seen = first.revision
                        while (true) seen = outbox.next(seen).revision
                    }
                }
            client.end()
            client.end()
            assertEquals("closed", withTimeout(SOON_MS) { ended.await() }.code)
            assertEquals("closed", code { client.conversations() })
            client.close()
            client.close()
            assertFailsWith<IllegalStateException> { client.session() }
            Unit
        }

    @Test
    fun textThatIsNoIdAndNumbersOutOfRangeAreTypedErrors() =
        runBlocking {
            val client = alone()
            assertEquals("invalid_argument", code { client.conversation("no id") })
            assertEquals("invalid_argument", code { client.conversation("\u0000") })
            assertEquals("invalid_argument", code { client.search("x", "no cursor", 20) })
            assertEquals("invalid_argument", code { client.runBackground(-1) })
            assertEquals("invalid_argument", code { client.observeOutbox().next(Long.MIN_VALUE) })
            client.end()
        }

    /** Kotlin itself refuses to encode it: nothing of it reaches the library, and nothing breaks. */
    @Test
    fun aLoneSurrogateIsAnException() =
        runBlocking {
            val client = alone()
            assertFailsWith<CharacterCodingException> { client.search("\uD83D", null, 20) }
            assertEquals(SessionState.SIGN_IN_NEEDED, client.session())
            client.end()
        }

    @Test
    fun aVaultThatThrowsIsNotReadyAndItsTextIsDropped() {
        val error = assertFailsWith<CuroException.Failed> { runBlocking { alone(vault = ThrowingVault()) } }
        assertEquals("vault_not_ready", error.code)
        assertTrue(error.retryable)
        assertFalse(error.stackTraceToString().contains("CANARY"))
    }

    @Test
    fun aPanicIsAnErrorWithoutItsTextAndTheLogHasItsPlace() =
        runBlocking {
            val records = LinkedBlockingQueue<LogRecord>()
            val sink =
                object : LogSink {
                    override fun log(batch: LogBatch) {
                        records.addAll(batch.records)
                        error("costs the batch and nothing else")
                    }
                }
            setLogSink(sink, LogLevel.ERROR)
            for (onOwnThread in listOf(true, false)) {
                val error = assertFailsWith<CuroException.Failed> { provokePanic(onOwnThread) }
                assertEquals("internal", error.code)
                assertFalse(error.stackTraceToString().contains("CANARY"))
                val record =
                    generateSequence { records.poll(SOON_MS, TimeUnit.MILLISECONDS) }.first {
                        it.code ==
                            "panic"
                    }
                assertTrue(record.line.contains("provoke.rs"), record.line)
                assertFalse(record.toString().contains("CANARY"))
            }
            clearLogSink()
        }

    @Test
    fun openedAndClosedAgainAndAgain() =
        runBlocking {
            val root = folder()
            val vault = MemoryVault()
            val profiles = (1..20).map { alone(root, vault).use { client -> client.profile().also { client.end() } } }
            assertEquals(1, profiles.toSet().size)
        }

    @Test
    fun aMessageGoesFromOneToTheOther() =
        runBlocking {
            val text = "K\u207a 6.8 \uD83D\uDE91 \u05E9\u05DC\u05D5\u05DD"
            Loopback().use { relay ->
                val ana = relay.person("ana")
                val ben = relay.person("ben")
                val created = ana.createConversation(ana.findPeople(listOf("ben")).map { it.user })
                val care = ana.conversation(created.id)
                val id = randomMessageId()
                // The same id is the same message, however often it is sent.
                repeat(3) { assertEquals(id, care.send(NewMessage(text, priority = Priority.STAT), id)) }
                val arrived =
                    withTimeout(SOON_MS) {
                        val theirs = ben.conversation(created.id)
                        while (runCatching { theirs.info() }.isFailure) delay(20)
                        val timeline = theirs.timeline(TimelineOptions(Start.Newest))
                        var snapshot = timeline.next(0)
                        while (snapshot.texts().isEmpty()) snapshot = timeline.next(snapshot.revision)
                        timeline.end()
                        snapshot.texts()
                    }
                assertEquals(listOf(text), arrived)
                ana.end()
                ben.end()
            }
        }

    private fun TimelineSnapshot.texts(): List<String> =
        items.mapNotNull { ((it.item.entry as? Entry.Posted)?.message?.body as? Body.Text)?.text }
}
