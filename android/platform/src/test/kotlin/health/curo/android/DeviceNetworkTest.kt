package health.curo.android

import android.net.ConnectivityManager
import android.net.LinkProperties
import android.net.ProxyInfo
import android.net.Uri
import android.os.Build
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowNetwork
import java.io.InputStream
import java.io.OutputStream
import java.security.Key
import java.security.KeyStoreSpi
import java.security.Provider
import java.security.Security
import java.security.cert.Certificate
import java.security.cert.CertificateFactory
import java.util.Collections
import java.util.Date
import java.util.Enumeration
import kotlin.test.assertEquals

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [Build.VERSION_CODES.VANILLA_ICE_CREAM], manifest = Config.NONE)
class DeviceNetworkTest {
    private val manager = system<ConnectivityManager>()
    private val callbacks get() = shadowOf(manager).networkCallbacks
    private val client = FakeClient()
    private val changes = listOf("network")

    private fun link(
        name: String,
        mtu: Int = 1500,
        proxy: ProxyInfo? = null,
    ) = LinkProperties().apply {
        interfaceName = name
        this.mtu = mtu
        httpProxy = proxy
    }

    @Test
    fun theClientHearsOfChangesAlone() {
        val watch = DeviceNetwork(app).watch(client)
        val callback = callbacks.single()
        val (wifi, cell) = listOf(1, 2).map(ShadowNetwork::newInstance)
        callback.onAvailable(wifi)
        callback.onLinkPropertiesChanged(wifi, link("wlan0"))
        callback.onLinkPropertiesChanged(wifi, link("wlan0", mtu = 1400))
        callback.onAvailable(wifi)
        assertEquals(emptyList(), client.made())
        callback.onLost(wifi)
        callback.onAvailable(cell)
        assertEquals(changes, client.made())
        callback.onLinkPropertiesChanged(cell, link("rmnet0"))
        assertEquals(emptyList(), client.made())
        callback.onLinkPropertiesChanged(
            cell,
            link("rmnet0", proxy = ProxyInfo.buildDirectProxy("proxy.example", 3128)),
        )
        assertEquals(changes, client.made())
        repeat(2) { watch.close() }
        assertEquals(emptySet(), callbacks)
    }

    @Test
    fun aProxyIsTakenAsTheDeviceNamesIt() {
        val network = DeviceNetwork(app)

        fun taken(proxy: ProxyInfo?): String? {
            shadowOf(manager).setProxyForNetwork(manager.boundNetworkForProcess, proxy)
            return network.proxy()?.url
        }
        assertEquals(null, taken(null))
        assertEquals("http://proxy.example:3128", taken(ProxyInfo.buildDirectProxy("proxy.example", 3128)))
        assertEquals("http://[2001:db8::1]:80", taken(ProxyInfo.buildDirectProxy("2001:db8::1", 80)))
        assertEquals(null, taken(ProxyInfo.buildPacProxy(Uri.parse("https://pac.example/proxy.pac"))))
    }

    @Test
    fun onlyRootsThatWereAddedAreGiven() {
        val provider = AuthorityProvider()
        Security.insertProviderAt(provider, 1)
        try {
            assertEquals(listOf(AuthorityProvider.added), DeviceNetwork(app).addedRoots())
        } finally {
            Security.removeProvider(provider.name)
        }
    }

    /** Android's store of authorities, with one of its own and one that was added. */
    class AuthorityProvider : Provider("AuthoritiesOfTests", "1", "a stand-in") {
        init {
            put("KeyStore.AndroidCAStore", Authorities::class.java.name)
        }

        companion object {
            val builtIn = authority("built-in")
            val added = authority("added")

            private fun authority(name: String): Certificate =
                checkNotNull(this::class.java.getResourceAsStream("/$name.pem")).use {
                    CertificateFactory.getInstance("X.509").generateCertificate(it)
                }
        }
    }

    class Authorities : KeyStoreSpi() {
        private val held = mapOf("system:1" to AuthorityProvider.builtIn, "user:2" to AuthorityProvider.added)

        override fun engineLoad(
            stream: InputStream?,
            password: CharArray?,
        ) = Unit

        override fun engineAliases(): Enumeration<String> = Collections.enumeration(held.keys)

        override fun engineGetCertificate(alias: String) = held[alias]

        override fun engineContainsAlias(alias: String) = alias in held

        override fun engineSize() = held.size

        override fun engineIsKeyEntry(alias: String) = false

        override fun engineIsCertificateEntry(alias: String) = alias in held

        override fun engineGetKey(
            alias: String?,
            password: CharArray?,
        ): Key? = null

        override fun engineGetCertificateChain(alias: String?): Array<Certificate>? = null

        override fun engineGetCertificateAlias(certificate: Certificate?): String? = null

        override fun engineGetCreationDate(alias: String?) = Date()

        override fun engineSetKeyEntry(
            alias: String?,
            key: Key?,
            password: CharArray?,
            chain: Array<out Certificate>?,
        ) = throw UnsupportedOperationException()

        override fun engineSetKeyEntry(
            alias: String?,
            key: ByteArray?,
            chain: Array<out Certificate>?,
        ) = throw UnsupportedOperationException()

        override fun engineSetCertificateEntry(
            alias: String?,
            certificate: Certificate?,
        ) = throw UnsupportedOperationException()

        override fun engineDeleteEntry(alias: String?) = throw UnsupportedOperationException()

        override fun engineStore(
            stream: OutputStream?,
            password: CharArray?,
        ) = throw UnsupportedOperationException()
    }
}
