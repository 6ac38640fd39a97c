package health.curo

import java.util.Objects
import health.curo.ffi.Proxy as GeneratedProxy

/** An HTTP proxy between the device and the relay. It sees the relay's name and nothing of what is said. */
public class Proxy(
    /** http, host and port, nothing else. */
    public val url: String,
    /** Name for the proxy (Basic, RFC 7617); goes with a password. */
    public val user: String? = null,
    /** Password for the proxy; goes with a name. */
    public val password: String? = null,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is Proxy &&
            url == other.url &&
            user == other.user &&
            password == other.password

    override fun hashCode(): Int = Objects.hash(url, user, password)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String = "Proxy(…)"
}

internal fun Proxy.toGenerated(): GeneratedProxy =
    GeneratedProxy(url = url.wellFormed(), user = user?.wellFormed(), password = password?.wellFormed())
