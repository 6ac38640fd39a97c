package health.curo.android

import android.content.Context
import android.net.ConnectivityManager
import android.net.LinkProperties
import android.net.Network
import android.net.Uri
import health.curo.Client
import health.curo.Proxy
import java.security.KeyStore
import java.security.cert.X509Certificate

/** The network of the device: tells a client when it changes, and what to open one with. */
public class DeviceNetwork(
    context: Context,
) {
    private val manager: ConnectivityManager? =
        context.applicationContext.getSystemService(ConnectivityManager::class.java)

    /**
     * Tells the client from now on when the device has another network, or its network another address or proxy. Stop it, for
     * instance when the client is closed. Needs the permission ACCESS_NETWORK_STATE, which the library's manifest brings.
     */
    public fun watch(client: Client): AutoCloseable {
        val changes = Changes(client::networkChanged)
        manager?.registerDefaultNetworkCallback(changes)
        return AutoCloseable { changes.stop { manager?.unregisterNetworkCallback(changes) } }
    }

    /**
     * The proxy that the device's network wants, for `ClientOptions.proxy`; null where there is none, and where it is chosen by a
     * script (PAC). A client keeps the proxy that it was opened with.
     */
    public fun proxy(): Proxy? {
        val proxy = manager?.defaultProxy ?: return null
        if (proxy.pacFileUrl != Uri.EMPTY || proxy.host.isNullOrEmpty()) return null
        val host = if (':' in proxy.host) "[${proxy.host}]" else proxy.host
        return Proxy("http://$host:${proxy.port}")
    }

    /**
     * The certification authorities that were added to this device, for `ClientOptions.extraRoots`: by whoever manages it, or by
     * the person. Who trusts them trusts whoever could add them, so this is for managed devices. Blocks.
     */
    public fun addedRoots(): List<X509Certificate> {
        val store = KeyStore.getInstance("AndroidCAStore").apply { load(null) }
        return store
            .aliases()
            .asSequence()
            .filter { it.startsWith("user:") }
            .mapNotNull { store.getCertificate(it) as? X509Certificate }
            .toList()
    }

    /** Called by the system on one thread, one call at a time. */
    private class Changes(
        private val changed: () -> Unit,
    ) : ConnectivityManager.NetworkCallback() {
        private var network: Network? = null
        private var link: Link? = null
        private var stopped = false

        override fun onAvailable(network: Network) {
            // The first is what the client has connected over, or is about to.
            val another = this.network != null && this.network != network
            this.network = network
            if (another) {
                link = null
                changed()
            }
        }

        override fun onLinkPropertiesChanged(
            network: Network,
            properties: LinkProperties,
        ) {
            val now = Link(properties)
            val another = link != null && link != now
            link = now
            if (another) changed()
        }

        @Synchronized
        fun stop(unregister: () -> Unit) {
            if (stopped) return
            stopped = true
            unregister()
        }
    }

    /** What connections depend on. The system tells much more, and often. */
    private data class Link(
        private val name: String?,
        private val addresses: Set<String>,
        private val proxy: String?,
    ) {
        constructor(properties: LinkProperties) : this(
            properties.interfaceName,
            properties.linkAddresses.map { it.address.toString() }.toSet(),
            properties.httpProxy?.toString(),
        )
    }
}
