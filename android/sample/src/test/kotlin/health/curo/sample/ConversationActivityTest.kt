package health.curo.sample

import android.os.Build
import android.widget.Button
import android.widget.EditText
import android.widget.ListView
import android.widget.TextView
import health.curo.DeliveryState
import health.curo.ErrorCode
import health.curo.Failure
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import kotlin.test.assertEquals

/** The views over the model: what the conversation says is on the screen, and what the person does arrives. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [Build.VERSION_CODES.VANILLA_ICE_CREAM], manifest = Config.NONE, application = FakeHost::class)
class ConversationActivityTest {
    private val host = RuntimeEnvironment.getApplication() as FakeHost
    private val care = host.client.care

    @Test
    fun aConversationIsShownAndWrittenTo() {
        val intent = ConversationActivity.of(host, care.id)
        val controller = Robolectric.buildActivity(ConversationActivity::class.java, intent).setup()
        val activity = controller.get()
        care.states.value = info("Bed 12")
        val failed = DeliveryState.Failed(Failure(ErrorCode.TOO_LARGE, false, null))
        val own = message("far too long", own = true, failed)
        care.shown.value = snapshot(own, message("thank you"))
        idle(activity)
        assertEquals("Bed 12", activity.title)
        val list = activity.all<ListView>().single()
        val rows = List(list.adapter.count) { (list.adapter.getView(it, null, list) as TextView).text }
        assertEquals(listOf("far too long (not sent: tap to try again)", "thank you"), rows)
        list.performItemClick(list, 0, 0)
        list.performItemClick(list, 1, 0)
        idle(activity)
        assertEquals(listOf(own.id.intent), care.retried)

        val field = activity.all<EditText>().single()
        field.setText("BP 118/76")
        activity.all<Button>().single { it.text == "Send" }.performClick()
        idle(activity)
        assertEquals(listOf("BP 118/76"), care.sent)
        assertEquals("", field.text.toString())
        assertEquals(1, care.read.size)

        controller.recreate()
        idle(controller.get())
        assertEquals("Bed 12", controller.get().title)
        assertEquals(0, care.closed)
        controller.pause().stop().destroy()
        assertEquals(1, care.closed)
    }
}
