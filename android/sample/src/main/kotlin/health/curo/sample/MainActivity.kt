package health.curo.sample

import android.app.Activity
import android.os.Bundle
import android.view.View
import android.widget.ArrayAdapter
import android.widget.Button
import android.widget.EditText
import android.widget.ListView
import android.widget.TextView
import health.curo.Client
import health.curo.ConversationItem
import health.curo.CuroException
import health.curo.SessionState
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch

/** The conversations; before that, signing in or unlocking, as the session says. */
class MainActivity : Activity() {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Main.immediate)
    private val host: SampleHost get() = application as SampleHost
    private var shown: List<ConversationItem> = emptyList()
    private var following: Job? = null

    private lateinit var rows: ArrayAdapter<String>
    private lateinit var told: TextView
    private lateinit var field: EditText
    private lateinit var button: Button

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        rows = ArrayAdapter(this, android.R.layout.simple_list_item_1)
        told = TextView(this)
        field = EditText(this)
        button = Button(this)
        val list = ListView(this)
        list.adapter = rows
        list.setOnItemClickListener { _, _, place, _ -> startActivity(ConversationActivity.of(this, shown[place].id)) }
        setContentView(column(told to 0f, list to 1f, row(field to 1f, button to 0f) to 0f))
    }

    override fun onStart() {
        super.onStart()
        following =
            scope.launch {
                trying {
                    val client = host.client()
                    launch { client.follow() }
                    client.session.collect { client.offer(it) }
                }
            }
    }

    override fun onStop() {
        following?.cancel()
        super.onStop()
    }

    override fun onDestroy() {
        scope.cancel()
        super.onDestroy()
    }

    override fun onUserInteraction() {
        scope.launch { trying { host.client().noteUserActivity() } }
    }

    /** The list as it is now, and as it becomes. */
    private suspend fun Client.follow() =
        trying {
            conversationList().use { list ->
                list.states.collect { now ->
                    shown = now.items
                    rows.setNotifyOnChange(false)
                    rows.clear()
                    rows.addAll(now.items.map { it.line() })
                    rows.notifyDataSetChanged()
                }
            }
        }

    /** What can be done now. */
    private fun Client.offer(session: SessionState) {
        told.text = session.name
        when (session) {
            SessionState.SIGN_IN_NEEDED ->
                offer("Access token", "Sign in") { token ->
                    host.useToken(token)
                    signIn()
                    start()
                }
            SessionState.LOCKED ->
                offer(null, "Unlock") {
                    unlock()
                    start()
                }
            SessionState.ACTIVE ->
                offer("Colleague", "Write to") { subject ->
                    findPeople(listOf(subject)).firstOrNull()?.let { person ->
                        val conversation = directConversation(person.user)
                        startActivity(ConversationActivity.of(this@MainActivity, conversation.id))
                    }
                }
            else -> offer(null, null) {}
        }
    }

    private fun offer(
        hint: String?,
        action: String?,
        act: suspend (String) -> Unit,
    ) {
        field.visibility = if (hint == null) View.GONE else View.VISIBLE
        field.hint = hint
        field.text.clear()
        button.visibility = if (action == null) View.GONE else View.VISIBLE
        button.text = action
        button.setOnClickListener { scope.launch { trying { act(field.text.toString()) } } }
    }

    private suspend fun trying(call: suspend CoroutineScope.() -> Unit) {
        try {
            coroutineScope(call)
        } catch (failure: CuroException) {
            told.text = "Not done: ${failure.code}"
        }
    }

    private fun ConversationItem.line(): String {
        val title = row.title ?: "${row.members} people"
        return if (row.unread > 0) "$title (${row.unread})" else title
    }
}
