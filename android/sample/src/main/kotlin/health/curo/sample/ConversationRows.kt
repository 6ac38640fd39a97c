package health.curo.sample

import android.content.Context
import android.view.View
import android.view.ViewGroup
import android.widget.BaseAdapter
import android.widget.TextView
import health.curo.Body
import health.curo.DeliveryState
import health.curo.Entry
import health.curo.Message
import health.curo.TimelineItem

/** The items of a conversation as rows of text. */
internal class ConversationRows(
    private val context: Context,
) : BaseAdapter() {
    private var items: List<TimelineItem> = emptyList()

    fun show(now: List<TimelineItem>) {
        // Unchanged items are the same instances, so this is cheap.
        if (now == items) return
        items = now
        notifyDataSetChanged()
    }

    fun message(place: Int): Message? = (items.getOrNull(place)?.item?.entry as? Entry.Message)?.message

    override fun getCount(): Int = items.size

    override fun getItem(place: Int): TimelineItem = items[place]

    /** An item's key is the same for life. */
    override fun getItemId(place: Int): Long = items[place].key.hashCode().toLong()

    override fun hasStableIds(): Boolean = true

    override fun getView(
        place: Int,
        used: View?,
        parent: ViewGroup,
    ): View = (used as? TextView ?: TextView(context)).apply { text = message(place)?.line() ?: items[place].note() }

    private fun Message.line(): String {
        val said =
            when (val body = body) {
                is Body.Text -> body.text
                is Body.Amendment -> body.text
                Body.Deleted -> "Deleted"
                Body.Unsupported -> "Update the app to see this"
            }
        return if (delivery is DeliveryState.Failed) "$said (not sent: tap to try again)" else said
    }

    private fun TimelineItem.note(): String =
        when (item.entry) {
            is Entry.Members -> "People came or went"
            is Entry.Gap -> "Something is missing here"
            is Entry.Unreadable, Entry.ContentLost -> "This cannot be read"
            else -> ""
        }
}
