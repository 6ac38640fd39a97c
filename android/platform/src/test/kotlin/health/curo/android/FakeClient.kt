package health.curo.android

import health.curo.BackgroundOutcome
import health.curo.Client
import health.curo.PushOutcome
import health.curo.SessionState
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.MutableStateFlow
import java.lang.reflect.Proxy
import kotlin.time.Duration

/** A client of which only the calls of the Android parts are there; it says which were made. */
class FakeClient(
    /** What a pass does. */
    private val pass: suspend () -> BackgroundOutcome = { outcome(complete = true) },
) : Client by absent {
    override val session = MutableStateFlow(SessionState.ACTIVE)

    /** Every call, in its order. */
    val calls = Channel<String>(Channel.UNLIMITED)

    /** What resume fails with. */
    var resumption: Exception? = null

    override suspend fun suspend() = note("suspend")

    override suspend fun resume() {
        note("resume")
        resumption?.let { throw it }
    }

    override suspend fun start() = note("start")

    override fun noteUserActivity() = note("activity")

    override fun networkChanged() = note("network")

    override suspend fun runBackground(deadline: Duration): BackgroundOutcome {
        note("background $deadline")
        return pass()
    }

    override suspend fun handlePush(
        token: String,
        deadline: Duration,
    ): PushOutcome {
        note("push $token $deadline")
        return PushOutcome.Fetched(pass())
    }

    /** The calls until now. */
    fun made(): List<String> = generateSequence { calls.tryReceive().getOrNull() }.toList()

    private fun note(call: String) {
        calls.trySend(call)
    }

    companion object {
        private val absent =
            Proxy.newProxyInstance(Client::class.java.classLoader, arrayOf(Client::class.java)) { _, method, _ ->
                error("${method.name} was called")
            } as Client

        fun outcome(complete: Boolean) = BackgroundOutcome(complete, null, 0, emptyList(), 0)
    }
}
