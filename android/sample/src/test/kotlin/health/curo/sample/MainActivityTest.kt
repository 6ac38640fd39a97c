package health.curo.sample

import android.os.Build
import android.view.View
import android.widget.Button
import android.widget.EditText
import android.widget.ListView
import health.curo.ConversationsState
import health.curo.Edge
import health.curo.SessionState
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** What the session says is what the person can do. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [Build.VERSION_CODES.VANILLA_ICE_CREAM], manifest = Config.NONE, application = FakeHost::class)
class MainActivityTest {
    private val host = RuntimeEnvironment.getApplication() as FakeHost
    private val client = host.client
    private val controller = Robolectric.buildActivity(MainActivity::class.java).setup()
    private val activity = controller.get()

    private fun button() = activity.all<Button>().single()

    private fun field() = activity.all<EditText>().single()

    private fun shows(session: SessionState) {
        client.session.value = session
        idle(activity)
    }

    @Test
    fun onePastesATokenAndSignsIn() {
        idle(activity)
        assertEquals("Access token", field().hint)
        field().setText("a token")
        button().performClick()
        idle(activity)
        assertEquals(listOf("a token"), host.tokens)
        assertEquals(listOf("signIn", "start"), client.calls)
    }

    @Test
    fun aLockedClientIsUnlocked() {
        shows(SessionState.LOCKED)
        assertEquals(View.GONE, field().visibility)
        button().performClick()
        idle(activity)
        assertEquals(listOf("unlock", "start"), client.calls)
    }

    @Test
    fun theListLeadsToAConversation() {
        shows(SessionState.ACTIVE)
        client.list.value = ConversationsState(2, false, listOf(row("Bed 12", unread = 2)), Edge.End, Edge.End)
        idle(activity)
        val list = activity.all<ListView>().single()
        assertEquals("Bed 12 (2)", list.adapter.getItem(0))
        list.performItemClick(list, 0, 0)
        assertTrue(
            shadowOf(activity).nextStartedActivity.filterEquals(ConversationActivity.of(activity, client.care.id)),
        )
        field().setText("dr-lee")
        button().performClick()
        idle(activity)
        assertEquals(listOf("find [dr-lee]", "direct user of dr-lee"), client.calls)
        val started = shadowOf(activity).nextStartedActivity
        assertEquals(client.care.id.value, started.getStringExtra("conversation"))
        controller.pause().stop()
        idle(activity)
        assertEquals("close", client.calls.last())
    }
}
