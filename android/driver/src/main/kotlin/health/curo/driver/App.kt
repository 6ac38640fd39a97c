package health.curo.driver

import health.curo.Client
import health.curo.ClientOptions
import health.curo.Cursor
import health.curo.ProfileId
import health.curo.SearchCursor
import health.curo.TokenReason
import kotlinx.coroutines.CoroutineScope
import java.io.File
import java.io.IOException
import java.security.cert.CertificateFactory
import java.security.cert.X509Certificate
import kotlin.time.Duration.Companion.milliseconds

/** A place in a list is opaque to apps, so it crosses as a number. */
internal sealed interface Place {
    class InPages(
        val cursor: Cursor,
    ) : Place

    class InSearch(
        val cursor: SearchCursor,
    ) : Place
}

/** What the app holds: one client at a time, streams that are watched, places in pages. */
internal class App(
    /** What runs until the process ends. */
    val scope: CoroutineScope,
) {
    private var client: Client? = null
    private var vault: FileVault? = null
    private val streams = mutableMapOf<Long, Stream>()
    private val places = mutableListOf<Place>()
    private var nextStream = 0L

    /** The client, open or closed. */
    @Synchronized
    fun client(): Client = client ?: bad("`open` comes first")

    /** `open`: a client from what is on disk. */
    suspend fun open(args: Args): Any {
        val answering = FileVault(File(args.string("keys")), args.string("mode"))
        answering.answers(args.stringOrNull("answers") ?: "key")
        synchronized(this) { vault = answering }
        val options =
            ClientOptions(
                root = File(args.string("root")),
                relay = args.string("relay"),
                profile = args.stringOrNull("profile")?.let { ProfileId(it) },
                extraRoots = listOf(certificate(File(args.string("ca")))),
                requestTimeout = args.millis("request_timeout_ms"),
                retryMin = 20.milliseconds,
                retryMax = 500.milliseconds,
                idleLock = args.millisOrNull("idle_lock_ms"),
                sessionLimit = args.millisOrNull("session_limit_ms"),
            )
        val tokens = File(args.string("tokens"))
        val opened = Client.open(options, answering) { reason -> token(tokens, reason) }
        synchronized(this) {
            client = opened
            streams.values.forEach(Stream::end)
            streams.clear()
            places.clear()
        }
        return json("profile" to opened.profile.value)
    }

    /** `vault`: what it answers from now on. */
    @Synchronized
    fun vaultAnswers(args: Args) {
        val vault = vault ?: bad("`open` comes first")
        vault.answers(args.string("answers"))
    }

    /** `profiles`: whose profiles are on this phone. */
    suspend fun profiles(args: Args): Any {
        val vault = FileVault(File(args.string("keys")), args.string("mode"))
        return Client.accounts(File(args.string("root")), vault).map { it.shape() }
    }

    /** Keeps a stream and gives its number. */
    @Synchronized
    fun watch(stream: Stream): Any {
        nextStream += 1
        streams[nextStream] = stream
        return json("stream" to nextStream)
    }

    @Synchronized
    fun stream(args: Args): Stream = streams[args.number("stream")] ?: bad("no such stream")

    @Synchronized
    fun unwatch(args: Args) {
        streams.remove(args.number("stream"))?.end()
    }

    /** A number for a place; null for none. */
    @Synchronized
    fun keep(place: Place?): Int? {
        places += place ?: return null
        return places.size - 1
    }

    @Synchronized
    fun place(
        args: Args,
        name: String,
    ): Place? {
        val number = args.sizeOrNull(name) ?: return null
        return places.getOrNull(number) ?: bad("`$name`: no such place")
    }
}

private fun certificate(file: File): X509Certificate =
    file.inputStream().use { CertificateFactory.getInstance("X.509").generateCertificate(it) as X509Certificate }

/** A token as the runner has put it into the folder: a file for each reason; none means that there is no token. */
private fun token(
    folder: File,
    reason: TokenReason,
): String? =
    try {
        folder.resolve(reason.name.lowercase()).readText()
    } catch (_: IOException) {
        null
    }
