package health.curo.sample

import health.curo.Client
import health.curo.ClientOptions
import health.curo.KeyVault
import health.curo.ProfileId
import health.curo.StoreKey
import health.curo.VaultException
import health.curo.VaultFailure
import health.curo.VaultMode
import java.nio.file.Files
import java.security.cert.CertificateFactory
import java.security.cert.X509Certificate
import java.util.concurrent.ConcurrentHashMap

/** A real relay with a development identity provider, in a process of its own that ends with its input. */
internal class Loopback : AutoCloseable {
    private val process: Process
    private val url: String
    private val authority: X509Certificate

    init {
        val program = checkNotNull(System.getProperty("curo.loopback")) { "no system property curo.loopback" }
        process = ProcessBuilder(program).redirectError(ProcessBuilder.Redirect.INHERIT).start()
        val (_, url, authority) = line().split(" ")
        this.url = url
        val certificate = authority.chunked(2).map { it.toInt(16).toByte() }.toByteArray()
        this.authority =
            CertificateFactory.getInstance("X.509").generateCertificate(certificate.inputStream()) as X509Certificate
    }

    private fun line(): String = process.inputReader().readLine() ?: error("the relay has ended")

    @Synchronized
    private fun token(subject: String): String {
        process.outputWriter().apply { write("$subject\n") }.flush()
        return line()
    }

    /** Somebody who is signed in, and live. */
    suspend fun person(subject: String): Client {
        val folder = Files.createTempDirectory("curo").toFile()
        val client =
            Client.open(ClientOptions(folder, url, extraRoots = listOf(authority)), MemoryVault()) { token(subject) }
        client.signIn()
        client.start()
        return client
    }

    override fun close() {
        process.destroy()
        process.waitFor()
    }
}

/** Keeps keys in memory. */
private class MemoryVault : KeyVault {
    private val keys = ConcurrentHashMap<ProfileId, StoreKey>()

    override val mode: VaultMode get() = VaultMode.BACKGROUND

    override suspend fun loadKey(profile: ProfileId): StoreKey =
        keys[profile] ?: throw VaultException(VaultFailure.MISSING)

    override suspend fun createKey(profile: ProfileId): StoreKey = keys.getOrPut(profile) { StoreKey.random() }

    override suspend fun destroyKey(profile: ProfileId) {
        keys.remove(profile)
    }
}
