package health.curo.sample

import android.app.Activity
import android.content.Context
import android.content.Intent
import android.os.Bundle
import health.curo.ConversationId
import health.curo.CuroException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch

/** A conversation on a screen. All that it knows is in the [ConversationModel], which survives the turning of the device. */
class ConversationActivity : Activity() {
    /** At once, so that what is typed is in the model before the next key. */
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Main.immediate)
    private val model = CompletableDeferred<ConversationModel>()
    private var following: Job? = null
    private lateinit var views: ConversationViews

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        views = ConversationViews(this, ::act)
        setContentView(views.root)
        val before = lastNonConfigurationInstance as? ConversationModel
        if (before != null) model.complete(before) else scope.launch { open() }
    }

    override fun onStart() {
        super.onStart()
        following =
            scope.launch {
                val model = model.await()
                launch { model.screen.collect(views::show) }
                model.follow()
            }
    }

    override fun onStop() {
        following?.cancel()
        super.onStop()
    }

    @Deprecated("what AndroidX has instead is not used here")
    override fun onRetainNonConfigurationInstance(): Any? = opened()

    override fun onDestroy() {
        scope.cancel()
        if (!isChangingConfigurations) opened()?.close()
        super.onDestroy()
    }

    override fun onUserInteraction() {
        scope.launch { client()?.noteUserActivity() }
    }

    private suspend fun open() {
        val id = intent.getStringExtra(CONVERSATION) ?: return finish()
        client()?.let { model.complete(ConversationModel(it.conversation(ConversationId(id)))) }
    }

    private suspend fun client() =
        try {
            (application as SampleHost).client()
        } catch (failure: CuroException) {
            views.tell(failure.code)
            null
        }

    private fun act(action: suspend ConversationModel.() -> Unit) {
        scope.launch { model.await().action() }
    }

    @OptIn(ExperimentalCoroutinesApi::class)
    private fun opened(): ConversationModel? = if (model.isCompleted) model.getCompleted() else null

    companion object {
        private const val CONVERSATION = "conversation"

        /** Shows this conversation. */
        fun of(
            context: Context,
            id: ConversationId,
        ): Intent = Intent(context, ConversationActivity::class.java).putExtra(CONVERSATION, id.value)
    }
}
