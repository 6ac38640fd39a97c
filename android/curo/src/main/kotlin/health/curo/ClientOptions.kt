package health.curo

import java.io.File
import java.security.cert.X509Certificate
import java.util.Objects
import kotlin.time.Duration
import health.curo.ffi.ClientOptions as GeneratedClientOptions

/** How to open a client. Everything after the relay's address may be left out. */
public class ClientOptions(
    /** The folder of this installation's profiles. */
    public val root: File,
    /** The relay: an https address without path. */
    public val relay: String,
    /** Opens this profile. Without it the folder's only profile is opened, or the first one is made. */
    public val profile: ProfileId? = null,
    /** For a process with little memory: small caches, two database connections, short time-outs. Give the profile too. */
    public val notificationExtension: Boolean = false,
    /** Certification authorities that are trusted beside the bundled web roots. */
    public val extraRoots: List<X509Certificate> = emptyList(),
    /** Accepts only relays whose certificate has one of these public keys: at least two different ones. Empty: no pinning. */
    public val pins: List<SpkiPin> = emptyList(),
    /** Reaches the relay through this proxy. */
    public val proxy: Proxy? = null,
    /** How long a connection may take until TLS stands. */
    public val connectTimeout: Duration? = null,
    /** How long one request may take. */
    public val requestTimeout: Duration? = null,
    /**
     * The shortest wait between attempts to reach the relay. With [retryMax], and not above it, or neither: else opening fails with
     * `invalid_argument`.
     */
    public val retryMin: Duration? = null,
    /** The longest wait between attempts to reach the relay; goes with [retryMin]. */
    public val retryMax: Duration? = null,
    /** After how long without a touch the client locks: at most 15 minutes. */
    public val idleLock: Duration? = null,
    /** How long a sign-in holds: at most 12 hours. */
    public val sessionLimit: Duration? = null,
) {
    private val parts: List<Any?>
        get() =
            listOf(
                root,
                relay,
                profile,
                notificationExtension,
                extraRoots,
                pins,
                proxy,
                connectTimeout,
                requestTimeout,
                retryMin,
                retryMax,
                idleLock,
                sessionLimit,
            )

    override fun equals(other: Any?): Boolean = this === other || other is ClientOptions && parts == other.parts

    override fun hashCode(): Int = Objects.hashCode(parts)

    /** Says neither where the files are nor where the relay is. */
    override fun toString(): String = "ClientOptions(profile=$profile, pins=${pins.size}, …)"
}

internal fun ClientOptions.toGenerated(): GeneratedClientOptions =
    GeneratedClientOptions(
        root = root.path.wellFormed(),
        relay = relay.wellFormed(),
        profile = profile?.value?.wellFormed(),
        notificationExtension = notificationExtension,
        extraRoots = extraRoots.map { it.encoded },
        pins = pins.map { it.value.wellFormed() },
        proxy = proxy?.toGenerated(),
        connectTimeoutMs = connectTimeout?.inWholeMilliseconds,
        requestTimeoutMs = requestTimeout?.inWholeMilliseconds,
        retryMinMs = retryMin?.inWholeMilliseconds,
        retryMaxMs = retryMax?.inWholeMilliseconds,
        idleLockMs = idleLock?.inWholeMilliseconds,
        sessionLimitMs = sessionLimit?.inWholeMilliseconds,
    )
