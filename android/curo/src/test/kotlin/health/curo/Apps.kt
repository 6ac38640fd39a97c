package health.curo

import health.curo.ffi.Loopback
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import java.io.File
import java.nio.file.Files
import java.security.cert.CertificateFactory
import java.security.cert.X509Certificate
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicInteger
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

// What the tests share: apps on a phone, and one relay for all of them.

/** A text that must be seen nowhere but where it was written. */
internal const val CANARY = "CANARY-4711"

/** Generous: it is only waited out when a test fails. */
private const val SOON_MS = 180_000L

/** A test whose coroutines end with it, or fail it. */
internal fun app(test: suspend CoroutineScope.() -> Unit): Unit = runBlocking { withTimeout(SOON_MS, test) }

/** A relay that lives as long as the tests' process. */
internal val relay: Loopback by lazy { Loopback() }

private val people = AtomicInteger()

/** A person whom nobody else has: tests do not meet. */
internal fun person(name: String): String = "$name-${people.incrementAndGet()}"

internal fun folder(): File = Files.createTempDirectory("curo").toFile().apply { deleteOnExit() }

/** Keeps keys in memory. */
internal class MemoryVault(
    override val mode: VaultMode = VaultMode.BACKGROUND,
) : KeyVault {
    private val keys = ConcurrentHashMap<ProfileId, StoreKey>()

    val size: Int get() = keys.size

    override suspend fun loadKey(profile: ProfileId): StoreKey =
        keys[profile] ?: throw VaultException(VaultFailure.MISSING)

    override suspend fun createKey(profile: ProfileId): StoreKey = keys.getOrPut(profile) { StoreKey.random() }

    override suspend fun destroyKey(profile: ProfileId) {
        keys.remove(profile)
    }
}

/** Options for a relay that is not there. */
internal fun nowhere(root: File = folder()): ClientOptions = ClientOptions(root, "https://127.0.0.1:9")

/** A client of nobody yet, with a relay that is not there. */
internal suspend fun alone(
    vault: KeyVault = MemoryVault(),
    root: File = folder(),
): Client = Client.open(nowhere(root), vault) { null }

/** The authority that the relay's certificate is from. */
internal fun authority(): X509Certificate =
    CertificateFactory.getInstance("X.509").generateCertificate(relay.authority.inputStream()) as X509Certificate

/** Options for the relay. */
internal fun here(root: File = folder()): ClientOptions =
    ClientOptions(root, relay.url, extraRoots = listOf(authority()))

/** Somebody who is signed in, and live. */
internal suspend fun signedIn(
    subject: String,
    options: ClientOptions = here(),
    vault: KeyVault = MemoryVault(),
): Client =
    Client.open(options, vault) { relay.token(subject) }.also {
        it.signIn()
        it.start()
    }

/** Two people in a conversation, who are live. */
internal class Two(
    val ana: Client,
    val ben: Client,
    val id: ConversationId,
) {
    val anas: Conversation = ana.conversation(id)
    val bens: Conversation = ben.conversation(id)

    /** Ana writes, and Ben has it. */
    suspend fun anaSays(text: String): MessageRef {
        val sent = anas.send(text)
        return bens.has { it.id == sent }.reference
    }

    suspend fun close() {
        ana.close()
        ben.close()
    }
}

/** Runs a test with two people in a conversation. */
internal fun two(test: suspend CoroutineScope.(Two) -> Unit): Unit =
    app {
        val ana = signedIn(person("ana"))
        val subject = person("ben")
        val ben = signedIn(subject)
        val created = ana.createConversation(ana.findPeople(listOf(subject)).map { it.user })
        ben.conversationList().use { list -> list.states.first { it.items.isNotEmpty() } }
        val pair = Two(ana, ben, created.id)
        test(pair)
        pair.close()
    }

/** The messages that a screen shows. */
internal fun TimelineState.messages(): List<Message> = items.mapNotNull { (it.item.entry as? Entry.Message)?.message }

internal val Message.text: String? get() = (body as? Body.Text)?.text

/** Waits on a screen until there is such a message. */
internal suspend fun Conversation.has(wanted: (Message) -> Boolean): Message =
    timeline(Start.Newest).use { screen ->
        screen.states
            .first { it.messages().any(wanted) }
            .messages()
            .first(wanted)
    }

/** Waits until nothing waits to be sent. Asks the store: the flow may still have the state before the last call. */
internal suspend fun Client.settled(): OutboxState {
    while (unsent().waiting > 0) yield()
    return unsent()
}

internal suspend fun <T> Flow<T>.until(wanted: suspend (T) -> Boolean): T = first(wanted)

/** That a call is refused with a code. */
internal suspend fun refused(
    code: ErrorCode,
    call: suspend () -> Unit,
): CuroException {
    val error = assertFailsWith<CuroException> { call() }
    assertEquals(code, error.code)
    return error
}
