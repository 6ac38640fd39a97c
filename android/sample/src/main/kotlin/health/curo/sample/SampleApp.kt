package health.curo.sample

import android.app.Application
import health.curo.Client
import health.curo.ClientOptions
import health.curo.android.AndroidKeyStoreVault
import health.curo.android.AppLifecycle
import health.curo.android.ClientHost
import health.curo.android.CuroJobService
import health.curo.android.DeviceNetwork
import health.curo.android.curoFolder
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/** What the screens want of the app. */
interface SampleHost : ClientHost {
    override suspend fun client(): Client

    /** Takes an access token of the person; an app asks its identity provider instead. */
    fun useToken(token: String)
}

/** Opens the client once, when it is asked for first, and hands it what only Android knows. */
class SampleApp :
    Application(),
    SampleHost {
    private val opening = Mutex()
    private var open: Client? = null
    private lateinit var lifecycle: AppLifecycle

    @Volatile
    private var token: String? = null

    override fun onCreate() {
        super.onCreate()
        lifecycle = AppLifecycle(this) // sees every screen
    }

    override fun useToken(token: String) {
        this.token = token
    }

    override suspend fun client(): Client =
        opening.withLock {
            open ?: Client
                .open(
                    ClientOptions(curoFolder(), RELAY, proxy = DeviceNetwork(this).proxy()),
                    AndroidKeyStoreVault(this),
                ) { token }
                .also { client ->
                    open = client
                    lifecycle.manage(client) // suspends and resumes it
                    DeviceNetwork(this).watch(client) // tells it of other networks
                    CuroJobService.schedulePeriodic(this) // fetches while nobody is in front
                }
        }

    private companion object {
        /** An app's own relay. */
        const val RELAY = "https://relay.example"
    }
}
