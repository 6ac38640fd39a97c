package health.curo

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.io.InputStream
import java.io.OutputStream
import java.net.ServerSocket
import java.net.Socket
import java.net.URI
import java.security.KeyStore
import java.util.Base64
import java.util.concurrent.ConcurrentLinkedQueue
import javax.net.ssl.SSLContext
import javax.net.ssl.SSLSocket
import javax.net.ssl.TrustManagerFactory
import kotlin.concurrent.thread
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** Whom the client believes, and by which way it goes. */
class TrustTest {
    @Test
    fun withoutItsAuthorityTheRelayIsNotTrusted() =
        app {
            Client.open(ClientOptions(folder(), relay.url), MemoryVault()) { relay.token("x") }.use { client ->
                refused(ErrorCode.TLS_FAILED) { client.signIn() }
            }
        }

    @Test
    fun onlyPinnedKeysAreAccepted() =
        app {
            val right = SpkiPin.ofPublicKey(withContext(Dispatchers.IO) { relayKey() })
            val other = SpkiPin.fromSha256(ByteArray(32))
            refused(ErrorCode.INVALID_ARGUMENT) { SpkiPin.fromSha256(ByteArray(31)) }
            assertEquals(SpkiPin("sha256/" + "A".repeat(43) + "="), other)
            signedIn(person("ana"), pinned(listOf(right, other))).close()
            val another = SpkiPin.fromSha256(ByteArray(32) { 1 })
            Client.open(pinned(listOf(other, another)), MemoryVault()) { relay.token("x") }.use { client ->
                refused(ErrorCode.PIN_MISMATCH) { client.signIn() }
            }
            // One pin alone would lock everybody out with the next key.
            refused(ErrorCode.INVALID_ARGUMENT) { Client.open(pinned(listOf(right)), MemoryVault()) { null } }
            refused(
                ErrorCode.INVALID_ARGUMENT,
            ) { Client.open(pinned(listOf(right, SpkiPin("none"))), MemoryVault()) { null } }
        }

    @Test
    fun everythingGoesThroughAProxyThatWantsAName() =
        app {
            Tunnel("ward", CANARY).use { tunnel ->
                signedIn(person("ana"), through(tunnel.proxy)).close()
                assertTrue(tunnel.asked.isNotEmpty())
                val target = relay.url.removePrefix("https://")
                assertEquals(setOf("CONNECT $target HTTP/1.1"), tunnel.asked.toSet())
                assertFalse("${tunnel.proxy} ${through(tunnel.proxy)}".contains(CANARY))
                val stranger = Proxy(tunnel.proxy.url, "ward", "wrong")
                Client.open(through(stranger), MemoryVault()) { relay.token("x") }.use { client ->
                    assertTrue(refused(ErrorCode.OFFLINE) { client.signIn() }.retryable)
                }
            }
            val half = through(Proxy("http://127.0.0.1:9", user = "ward"))
            refused(ErrorCode.INVALID_ARGUMENT) { Client.open(half, MemoryVault()) { null } }
        }

    private fun through(proxy: Proxy): ClientOptions =
        ClientOptions(folder(), relay.url, extraRoots = listOf(authority()), proxy = proxy)

    private fun pinned(pins: List<SpkiPin>): ClientOptions =
        ClientOptions(folder(), relay.url, extraRoots = listOf(authority()), pins = pins)

    /** The public key of the relay's certificate, as any TLS client sees it. */
    private fun relayKey(): ByteArray {
        val roots = KeyStore.getInstance(KeyStore.getDefaultType()).apply { load(null) }
        roots.setCertificateEntry("relay", authority())
        val trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm()).apply { init(roots) }
        val context = SSLContext.getInstance("TLS").apply { init(null, trust.trustManagers, null) }
        val url = URI(relay.url)
        return (context.socketFactory.createSocket(url.host, url.port) as SSLSocket).use {
            it.startHandshake()
            it.session.peerCertificates
                .first()
                .publicKey.encoded
        }
    }
}

/** A proxy that lets those through who tell its name and password. */
private class Tunnel(
    user: String,
    password: String,
) : AutoCloseable {
    private val server = ServerSocket(0, 50, java.net.InetAddress.getLoopbackAddress())
    private val sockets = ConcurrentLinkedQueue<Socket>()
    private val credentials = Base64.getEncoder().encodeToString("$user:$password".toByteArray())
    val asked = ConcurrentLinkedQueue<String>()
    val proxy = Proxy("http://127.0.0.1:${server.localPort}", user, password)

    init {
        thread {
            runCatching {
                while (true) {
                    val socket = server.accept().also(sockets::add)
                    thread { runCatching { serve(socket) } }
                }
            }
        }
    }

    private fun serve(socket: Socket) {
        val head = generateSequence { line(socket.getInputStream()) }.takeWhile { it.isNotEmpty() }.toList()
        val known = head.any { it.equals("Proxy-Authorization: Basic $credentials", ignoreCase = true) }
        if (!known) {
            socket.use { it.getOutputStream().write("HTTP/1.1 407 Who?\r\nContent-Length: 0\r\n\r\n".toByteArray()) }
            return
        }
        asked += head.first()
        val (host, port) = head.first().split(" ")[1].split(":")
        val there = Socket(host, port.toInt()).also(sockets::add)
        socket.getOutputStream().write("HTTP/1.1 200 OK\r\n\r\n".toByteArray())
        thread { pump(there.getInputStream(), socket.getOutputStream(), there, socket) }
        pump(socket.getInputStream(), there.getOutputStream(), there, socket)
    }

    private fun line(input: InputStream): String {
        val bytes = generateSequence { input.read().takeIf { it >= 0 && it != '\n'.code } }.map { it.toByte() }
        return String(bytes.toList().toByteArray()).trimEnd('\r')
    }

    private fun pump(
        from: InputStream,
        to: OutputStream,
        vararg ends: Socket,
    ) {
        runCatching { from.transferTo(to) }
        ends.forEach { runCatching { it.close() } }
    }

    override fun close() {
        server.close()
        sockets.forEach { runCatching { it.close() } }
    }
}
