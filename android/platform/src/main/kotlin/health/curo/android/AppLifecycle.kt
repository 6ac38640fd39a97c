package health.curo.android

import android.app.Activity
import android.app.Application
import android.os.Bundle
import health.curo.Client
import health.curo.CuroException
import health.curo.SessionState
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.takeWhile
import kotlinx.coroutines.launch
import java.util.concurrent.CopyOnWriteArraySet

/**
 * Suspends clients when no screen of the app is left in front, and resumes them when one comes back. How long a person may
 * be away is the client's own matter: one who was away for too long finds it locked, and `client.session` says so.
 *
 * Make it in `Application.onCreate`, on the main thread, so that it sees every activity; it lives as long as the process.
 * Say `client.noteUserActivity()` in `Activity.onUserInteraction`: touches are not seen from here.
 */
public class AppLifecycle(
    application: Application,
) {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private val clients = CopyOnWriteArraySet<Client>()
    private val front = MutableStateFlow(false)

    /** Whether a screen of the app is in front. Stays true while one is made anew, for instance when the device is turned. */
    public val inFront: StateFlow<Boolean> = front.asStateFlow()

    init {
        application.registerActivityLifecycleCallbacks(Counter())
    }

    /**
     * Suspends and resumes this client from now on, until it is closed or wiped: at once, if no screen is in front. Live sync is
     * started with each resumption. What fails is not told here: `client.session` says whether the person must unlock or sign in;
     * after that, call `client.start()`.
     */
    public fun manage(client: Client) {
        if (!clients.add(client)) return
        scope.launch {
            // Both as they are by then: of two changes at once, combine tells the one with what the other was before.
            combine(front, client.session) { _, _ -> front.value.takeUnless { client.isOver() } }
                .distinctUntilChanged()
                .takeWhile { it != null }
                .collect { inFront -> if (inFront == true) client.comeBack() else client.goAway() }
            clients.remove(client)
        }
    }

    private fun Client.isOver(): Boolean = session.value.let { it == SessionState.CLOSED || it == SessionState.WIPED }

    private suspend fun Client.comeBack() {
        try {
            resume()
            start()
        } catch (_: CuroException) {
            // The session says what the person has to do.
        }
    }

    private suspend fun Client.goAway() {
        try {
            suspend()
        } catch (_: CuroException) {
            // Closed all the same.
        }
    }

    /** Called on the main thread alone. */
    private inner class Counter : Application.ActivityLifecycleCallbacks {
        private var started = 0

        override fun onActivityStarted(activity: Activity) {
            started += 1
            front.value = true
        }

        override fun onActivityResumed(activity: Activity): Unit = clients.forEach { it.noteUserActivity() }

        override fun onActivityStopped(activity: Activity) {
            started -= 1
            // One that is made anew comes back at once.
            if (started == 0 && !activity.isChangingConfigurations) front.value = false
        }

        override fun onActivityCreated(
            activity: Activity,
            state: Bundle?,
        ): Unit = Unit

        override fun onActivityPaused(activity: Activity): Unit = Unit

        override fun onActivitySaveInstanceState(
            activity: Activity,
            state: Bundle,
        ): Unit = Unit

        override fun onActivityDestroyed(activity: Activity): Unit = Unit
    }
}
