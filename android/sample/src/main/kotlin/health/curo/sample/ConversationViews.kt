package health.curo.sample

import android.app.Activity
import android.text.Editable
import android.text.TextWatcher
import android.view.View
import android.view.ViewGroup
import android.widget.AbsListView
import android.widget.Button
import android.widget.EditText
import android.widget.ListView
import android.widget.TextView
import health.curo.DeliveryState
import health.curo.ErrorCode
import health.curo.Message
import health.curo.MessageRef

/** The views of a conversation: draws what the model says, and tells it what the person does. */
internal class ConversationViews(
    private val activity: Activity,
    private val act: (suspend ConversationModel.() -> Unit) -> Unit,
) {
    val root: ViewGroup

    private val rows = ConversationRows(activity)
    private val list = ListView(activity)
    private val problem = TextView(activity)
    private val down = Button(activity)
    private val draft = EditText(activity)
    private var seen: MessageRef? = null

    init {
        val send = Button(activity)
        send.text = "Send"
        send.setOnClickListener { act { send() } }
        down.setOnClickListener { act { goDown() } }
        draft.hint = "Message"
        draft.addTextChangedListener(Typed())
        list.adapter = rows
        // Stays at the newest while the newest is in sight.
        list.transcriptMode = AbsListView.TRANSCRIPT_MODE_NORMAL
        list.isStackFromBottom = true
        list.setOnScrollListener(Scrolled())
        list.setOnItemClickListener { _, _, place, _ ->
            val tapped = rows.message(place)
            if (tapped?.delivery is DeliveryState.Failed) act { retry(tapped) }
        }
        root =
            with(activity) {
                column(list to 1f, down to 0f, problem to 0f, row(draft to 1f, send to 0f) to 0f)
            }
        show(ConversationModel.Screen())
    }

    fun show(screen: ConversationModel.Screen) {
        activity.title = screen.title
        rows.show(screen.items)
        down.text = "${screen.newBelow} new"
        down.showIf(screen.newBelow > 0)
        draft.isEnabled = !screen.locked
        // The person's cursor stays where it is while they type.
        if (draft.text.toString() != screen.draft) draft.setText(screen.draft)
        if (screen.locked) problem.text = "Locked" else problem.text = screen.problem?.let { "Not done: $it" }
        problem.showIf(problem.text.isNotEmpty())
    }

    fun tell(code: ErrorCode) {
        problem.text = "Not done: $code"
        problem.showIf(true)
    }

    private fun View.showIf(wanted: Boolean) {
        visibility = if (wanted) View.VISIBLE else View.GONE
    }

    private inner class Typed : TextWatcher {
        override fun afterTextChanged(text: Editable) = act { if (screen.value.draft != "$text") write("$text") }

        override fun beforeTextChanged(
            text: CharSequence,
            start: Int,
            count: Int,
            after: Int,
        ) = Unit

        override fun onTextChanged(
            text: CharSequence,
            start: Int,
            before: Int,
            count: Int,
        ) = Unit
    }

    private inner class Scrolled : AbsListView.OnScrollListener {
        override fun onScroll(
            view: AbsListView,
            first: Int,
            visible: Int,
            total: Int,
        ) {
            if (visible == 0) return
            if (first == 0) act { loadOlder() }
            val last = (first + visible - 1 downTo first).firstNotNullOfOrNull(rows::message) ?: return
            see(last)
        }

        override fun onScrollStateChanged(
            view: AbsListView,
            state: Int,
        ) = Unit
    }

    /** Says each message once, not at every pixel. */
    private fun see(message: Message) {
        if (message.own || message.reference == seen) return
        seen = message.reference
        act { saw(message) }
    }
}
