package health.curo

import health.curo.ffi.Loopback
import health.curo.ffi.folder
import java.io.File
import java.security.cert.CertificateFactory
import java.security.cert.X509Certificate
import java.util.concurrent.ConcurrentHashMap
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

/** Generous: it is only waited out when a test fails. */
private const val SOON_MS = 120_000L

private class MemoryVault : KeyVault {
    private val keys = ConcurrentHashMap<ProfileId, StoreKey>()
    override val mode = VaultMode.BACKGROUND

    override suspend fun loadKey(profile: ProfileId) = keys[profile] ?: throw VaultException(VaultFailure.MISSING)

    override suspend fun createKey(profile: ProfileId) = keys.getOrPut(profile) { StoreKey.random() }

    override suspend fun destroyKey(profile: ProfileId) {
        keys.remove(profile)
    }
}

/** Throws what is no `Exception`, with a text that must not be seen anywhere. */
private class BrokenVault : KeyVault {
    override val mode = VaultMode.BACKGROUND

    override suspend fun loadKey(profile: ProfileId): StoreKey = throw StackOverflowError("CANARY")

    override suspend fun createKey(profile: ProfileId): StoreKey = throw NotImplementedError("CANARY")

    override suspend fun destroyKey(profile: ProfileId): Unit = throw AssertionError("CANARY")
}

private suspend fun alone(vault: KeyVault = MemoryVault()): Client =
    Client.open(ClientOptions(File(folder()), "https://127.0.0.1:9"), vault) { null }

private suspend fun Loopback.signedIn(subject: String): Client {
    val root = CertificateFactory.getInstance("X.509").generateCertificate(authority.inputStream()) as X509Certificate
    val options = ClientOptions(File(folder()), url, extraRoots = listOf(root))
    return Client.open(options, MemoryVault()) { token(subject) }.also {
        it.signIn()
        it.start()
    }
}

private fun TimelineSnapshot.texts(): List<String> =
    items.mapNotNull { ((it.item.entry as? Entry.Posted)?.message?.body as? Body.Text)?.text }

/** The hand-written library with the host's library and a real relay. */
class ClientTest {
    @Test
    fun statesGoOnUntilTheEnd() = runBlocking {
        val client = alone()
        assertEquals(SessionState.SIGN_IN_NEEDED, client.session.value)
        assertEquals(OutboxState(0, 0), client.outbox.value)
        assertEquals(Unread(0, 0), client.unread.value)
        val list = client.conversationList()
        assertEquals(ErrorCode.SIGN_IN_NEEDED, assertFailsWith<CuroException> { list.states.first() }.code)
        list.close()
        client.close()
        client.close()
        assertEquals(SessionState.CLOSED, client.session.value)
        assertEquals(ErrorCode.CLOSED, assertFailsWith<CuroException> { client.search("x") }.code)
    }

    @Test
    fun aListEndsWithItsClient() = runBlocking {
        Loopback().use { relay ->
            val client = relay.signedIn("ana")
            val list = client.conversationList()
            assertEquals(emptyList(), list.states.first().items)
            val seen = async { list.states.toList() }
            client.close()
            withTimeout(SOON_MS) { seen.await() }
            assertEquals(emptyList(), list.states.toList())
            list.close()
        }
    }

    @Test
    fun anErrorOfTheVaultIsNotReadyAndItsTextIsDropped() {
        val error = assertFailsWith<CuroException> { runBlocking { alone(BrokenVault()) } }
        assertEquals(ErrorCode.VAULT_NOT_READY, error.code)
        assertFalse(error.stackTraceToString().contains("CANARY"))
    }

    @Test
    fun aLoneSurrogateIsReplaced() = runBlocking {
        assertEquals("a\uFFFDb\uD83D\uDE91\uFFFD", "a\uDE91b\uD83D\uDE91\uD83D".wellFormed())
        alone().use { client ->
            assertEquals(emptyList(), client.search("\uD83D").hits)
            val error = assertFailsWith<CuroException> { client.conversation(ConversationId("\uD83D")).info() }
            assertEquals(ErrorCode.INVALID_ARGUMENT, error.code)
        }
    }

    @Test
    fun aMessageGoesFromOneToTheOther() = runBlocking {
        val text = "CANARY \u05E9\u05DC\u05D5\u05DD \uD83D\uDE91"
        Loopback().use { relay ->
            val ana = relay.signedIn("ana")
            val ben = relay.signedIn("ben")
            val created = ana.createConversation(ana.findPeople(listOf("ben")).map { it.user })
            val id = MessageId.random()
            val care = ana.conversation(created.id)
            // The same id is the same message; half an emoji at its end is replaced.
            repeat(3) { assertEquals(id, care.send(text + "\uD83D", id)) }
            withTimeout(SOON_MS) {
                ben.unread.first { it.messages == 1 }
                ben.conversation(created.id).timeline(Start.Newest).use { timeline ->
                    val snapshot = timeline.states.first { it.texts().isNotEmpty() }
                    assertEquals(listOf(text + "\uFFFD"), snapshot.texts())
                    assertFalse("$snapshot ${snapshot.items}".contains("CANARY"))
                    assertEquals(snapshot.items, timeline.states.first { it.texts().isNotEmpty() }.items)
                }
                ana.outbox.first { it == OutboxState(0, 0) }
            }
            ana.close()
            ben.close()
        }
    }

    @Test
    fun keysAreComparedAndNotShown() {
        val key = StoreKey.random()
        assertEquals(key, StoreKey(key.toByteArray()))
        assertEquals("StoreKey(…)", key.toString())
        assertFailsWith<IllegalArgumentException> { StoreKey(ByteArray(47)) }
        val item = Body.Text("CANARY")
        assertEquals(Body.Text("CANARY"), item)
        assertEquals("Text(…)", item.toString())
    }

    @Test
    fun everyCodeOfTheLibraryHasAName() = runBlocking {
        val names =
            ErrorCode.Companion::class.java.methods
                .filter { it.name.startsWith("get") && it.returnType == String::class.java }
                .map { it.invoke(ErrorCode.Companion) as String }
                .toSet()
        assertEquals(health.curo.ffi.knownErrorCodes().map { it.code }.toSet(), names)
    }
}
