package health.curo.ffi

import kotlinx.coroutines.runBlocking
import java.nio.file.Files
import java.util.concurrent.ConcurrentHashMap
import kotlin.concurrent.thread
import kotlin.test.assertFailsWith

// What the tests share: an app, as Kotlin sees one, and a relay of its own.

/** Keeps keys in memory, and answers from threads of its own, as apps do. */
class MemoryVault : KeyVault {
    private val keys = ConcurrentHashMap<String, ByteArray>()

    override fun mode() = VaultMode.BACKGROUND

    override fun loadKey(
        name: ProfileId,
        reply: KeyReply,
    ) {
        thread {
            val key = keys[name]
            if (key == null) reply.fail(VaultFailure.MISSING) else reply.complete(key)
        }
    }

    override fun createKey(
        name: ProfileId,
        reply: KeyReply,
    ) {
        reply.complete(keys.getOrPut(name) { newStoreKey() })
    }

    override fun destroyKey(
        name: ProfileId,
        reply: DoneReply,
    ) {
        keys.remove(name)
        reply.complete()
    }
}

/** Throws at every call, with a text that must not be seen anywhere. */
class ThrowingVault : KeyVault {
    override fun mode(): VaultMode = throw IllegalStateException("CANARY")

    override fun loadKey(
        name: ProfileId,
        reply: KeyReply,
    ): Unit = throw IllegalStateException("CANARY")

    override fun createKey(
        name: ProfileId,
        reply: KeyReply,
    ): Unit = throw IllegalStateException("CANARY")

    override fun destroyKey(
        name: ProfileId,
        reply: DoneReply,
    ): Unit = throw IllegalStateException("CANARY")
}

/** Has no token. */
object NoTokens : TokenProvider {
    override fun token(
        reason: TokenReason,
        reply: TokenReply,
    ) {
        reply.fail()
    }
}

fun folder(): String =
    Files
        .createTempDirectory("curo")
        .toFile()
        .apply { deleteOnExit() }
        .path

/** A client in a folder, of nobody yet, with a relay that is not there. */
suspend fun alone(
    root: String = folder(),
    vault: KeyVault = MemoryVault(),
): Client = Client.open(ClientOptions(root = root, relay = "https://127.0.0.1:9"), vault, NoTokens)

/** The code with which a call fails. */
fun code(call: suspend () -> Unit): String {
    val error = assertFailsWith<CuroException> { runBlocking { call() } }
    return (error as CuroException.Failed).code
}

/** A real relay with a development identity provider, in a process of its own that ends with its input. */
class Loopback : AutoCloseable {
    private val process: Process
    val url: String
    val authority: ByteArray

    init {
        val program = System.getProperty("curo.loopback") ?: error("no system property curo.loopback")
        process = ProcessBuilder(program).redirectError(ProcessBuilder.Redirect.INHERIT).start()
        val (_, url, authority) = line().split(" ")
        this.url = url
        this.authority = authority.chunked(2).map { it.toInt(16).toByte() }.toByteArray()
    }

    private fun line(): String = process.inputReader().readLine() ?: error("the relay has ended")

    @Synchronized
    fun token(subject: String): String {
        process.outputWriter().apply { write("$subject\n") }.flush()
        return line()
    }

    /** A person who is signed in and live. */
    suspend fun person(subject: String): Client {
        val options = ClientOptions(root = folder(), relay = url, extraRoots = listOf(authority))
        val tokens =
            object : TokenProvider {
                override fun token(
                    reason: TokenReason,
                    reply: TokenReply,
                ) {
                    thread { reply.complete(token(subject)) }
                }
            }
        val client = Client.open(options, MemoryVault(), tokens)
        client.signIn()
        client.start()
        return client
    }

    override fun close() {
        process.destroy()
        process.waitFor()
    }
}
