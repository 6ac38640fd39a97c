package health.curo.android

import android.app.Activity
import android.app.Application
import android.os.Build
import android.os.Bundle
import health.curo.CuroException
import health.curo.ErrorCode
import health.curo.SessionState
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import kotlin.test.assertEquals

/** Generous: it is only waited out when a test fails. */
private const val SOON_MS = 300_000L

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [Build.VERSION_CODES.VANILLA_ICE_CREAM], manifest = Config.NONE)
class AppLifecycleTest {
    private val lifecycle = AppLifecycle(app)
    private val client = FakeClient()

    private fun screen() = Robolectric.buildActivity(Activity::class.java)

    private suspend fun FakeClient.next(): String = withTimeout(SOON_MS) { calls.receive() }

    @Test
    fun aClientIsSuspendedAndResumedWithTheApp() =
        runBlocking {
            lifecycle.manage(client)
            assertEquals("suspend", client.next())
            val screen = screen().create().start()
            assertEquals(listOf("resume", "start"), List(2) { client.next() })
            screen.resume()
            assertEquals("activity", client.next())
            screen.pause().stop()
            assertEquals("suspend", client.next())
            screen.restart().start()
            assertEquals(listOf("resume", "start"), List(2) { client.next() })
        }

    @Test
    fun anAppWithAScreenInFrontKeepsItsClient() =
        runBlocking {
            screen().setup()
            lifecycle.manage(client)
            assertEquals(listOf("resume", "start"), List(2) { client.next() })
            lifecycle.manage(client)
            assertEquals(emptyList(), client.made())
        }

    @Test
    fun theFrontIsLeftWithTheLastScreenAndNotWhileOneIsMadeAnew() {
        val seen = mutableListOf<Boolean>()
        app.registerActivityLifecycleCallbacks(Stops { seen += lifecycle.inFront.value })
        val first = screen().setup()
        val second = screen().setup()
        assertEquals(true, lifecycle.inFront.value)
        first.pause().stop()
        second.recreate()
        second.pause().stop()
        assertEquals(listOf(true, true, false), seen)
    }

    @Test
    fun whoMustUnlockIsNotStarted() =
        runBlocking {
            client.resumption = CuroException(ErrorCode.LOCKED)
            lifecycle.manage(client)
            val screen = screen().create().start()
            assertEquals("resume", generateSequence { runBlocking { client.next() } }.first { it != "suspend" })
            screen.stop()
            assertEquals("suspend", client.next())
        }

    @Test
    fun aClientThatIsClosedIsLeftAlone() =
        runBlocking {
            lifecycle.manage(client)
            assertEquals("suspend", client.next())
            val other = FakeClient()
            client.session.value = SessionState.CLOSED
            lifecycle.manage(other)
            assertEquals("suspend", other.next())
            screen().setup()
            assertEquals(setOf("resume", "start", "activity"), List(3) { other.next() }.toSet())
            assertEquals(emptyList(), client.made().filter { it != "activity" })
        }

    /** Called after the lifecycle's own. */
    private class Stops(
        private val stopped: () -> Unit,
    ) : Application.ActivityLifecycleCallbacks {
        override fun onActivityStopped(activity: Activity) = stopped()

        override fun onActivityCreated(
            activity: Activity,
            state: Bundle?,
        ) = Unit

        override fun onActivityStarted(activity: Activity) = Unit

        override fun onActivityResumed(activity: Activity) = Unit

        override fun onActivityPaused(activity: Activity) = Unit

        override fun onActivitySaveInstanceState(
            activity: Activity,
            state: Bundle,
        ) = Unit

        override fun onActivityDestroyed(activity: Activity) = Unit
    }
}
