package health.curo.testing

import health.curo.ClientOptions
import health.curo.TokenProvider
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runInterruptible
import java.io.BufferedReader
import java.io.File
import java.io.InputStream
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.attribute.PosixFilePermission
import java.security.cert.CertificateFactory
import java.security.cert.X509Certificate
import java.util.concurrent.TimeUnit

/**
 * A real relay on this machine, with an identity provider of its own, for tests with real clients: a process that keeps
 * everything in a temporary folder, and ends with [close] or with this JVM.
 *
 * The program and the library for the JVM come in the jar of curo-testing, for the machines that it was built on; on
 * others [start] fails with `IllegalStateException` and says which those are.
 */
public class LoopbackRelay private constructor(
    private val process: Process,
    private val answers: BufferedReader,
    /** Where clients reach it: an https address. */
    public val address: String,
    /** The authority that its certificate is from; nobody else trusts it. */
    public val authority: X509Certificate,
) : AutoCloseable {
    /** Options for a client of it that keeps its profiles below this folder. */
    public fun options(root: File): ClientOptions = ClientOptions(root, address, extraRoots = listOf(authority))

    /**
     * Tokens of this person, who exists as soon as they are asked for. The same subject is the same user; everybody is of
     * one tenant.
     */
    public fun tokens(subject: String): TokenProvider {
        require(subject.isNotEmpty() && '\n' !in subject && '\r' !in subject) { "a subject is one line" }
        return TokenProvider { runInterruptible(Dispatchers.IO) { token(subject) } }
    }

    /** Ends it and waits until it has ended; harmless to repeat. What is in its folder is gone. */
    override fun close() {
        // It ends with its input, and takes its folder with it.
        runCatching { process.outputStream.close() }
        if (!process.waitFor(PATIENCE_S, TimeUnit.SECONDS)) process.destroyForcibly().waitFor()
    }

    @Synchronized
    private fun token(subject: String): String {
        process.outputStream.run {
            write("$subject\n".toByteArray())
            flush()
        }
        return answers.readLine() ?: error(ENDED)
    }

    /** How one is begun. */
    public companion object {
        private const val PATIENCE_S = 10L
        private const val ENDED = "the relay has ended"

        /** Starts one; it answers when this returns. */
        public suspend fun start(): LoopbackRelay = runInterruptible(Dispatchers.IO) { begin(Host()) }

        private fun begin(host: Host): LoopbackRelay {
            val program = unpacked(host.relay())
            try {
                val process = ProcessBuilder(program.toString()).redirectError(ProcessBuilder.Redirect.INHERIT).start()
                try {
                    return greeted(process)
                } catch (failure: Exception) {
                    process.destroyForcibly()
                    throw failure
                }
            } finally {
                // Who runs it needs its name no longer.
                Files.deleteIfExists(program)
                Files.deleteIfExists(program.parent)
            }
        }

        /** In a folder that only this user can look into. */
        private fun unpacked(program: InputStream): Path {
            val file = Files.createTempDirectory("curo-relay").resolve("loopback")
            program.use { Files.copy(it, file) }
            Files.setPosixFilePermissions(
                file,
                setOf(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_EXECUTE),
            )
            return file
        }

        private fun greeted(process: Process): LoopbackRelay {
            val answers = process.inputStream.bufferedReader()
            val words = (answers.readLine() ?: error(ENDED)).split(" ")
            check(words.size == 3 && words[0] == "relay") { "the relay has greeted otherwise than it should" }
            val bytes = words[2].chunked(2).map { it.toInt(16).toByte() }.toByteArray()
            val authority = CertificateFactory.getInstance("X.509").generateCertificate(bytes.inputStream())
            return LoopbackRelay(process, answers, words[1], authority as X509Certificate)
        }
    }
}
