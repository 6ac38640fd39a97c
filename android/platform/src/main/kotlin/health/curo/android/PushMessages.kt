package health.curo.android

import android.content.Context
import health.curo.Client
import health.curo.CuroException
import health.curo.PushOutcome
import kotlinx.coroutines.runBlocking
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/**
 * Where an app hands over the pushes that it gets. A push bears an opaque token and nothing else; what is new is fetched.
 */
public object PushMessages {
    /** The entry of a push's data under which the token stands, if the operator's gateway keeps to the usual name. */
    public const val TOKEN: String = "token"

    /**
     * Fetches what a push has announced, within the deadline; what is left is done by [CuroJobService]. Returns
     * [PushOutcome.NotMine] where the data bears no token, and where the token is not this client's.
     *
     * Fails as `Client.handlePush`: with locked for instance, where the vault wants the person. Whatever comes of it, show a
     * text that says nothing of people or content while the client is locked.
     */
    public suspend fun handle(
        context: Context,
        client: Client,
        data: Map<String, String>,
        deadline: Duration = DEADLINE,
        key: String = TOKEN,
    ): PushOutcome {
        val token = data[key] ?: return PushOutcome.NotMine
        val outcome =
            try {
                client.handlePush(token, deadline)
            } catch (failure: CuroException) {
                if (failure.retryable) CuroJobService.schedule(context)
                throw failure
            }
        if (outcome is PushOutcome.Fetched && !outcome.outcome.complete) CuroJobService.schedule(context)
        return outcome
    }

    /**
     * As [handle], for a callback that must not return before all is done, such as that of a push service; never on the main
     * thread. Blocks until the deadline at most, and as long as the client takes to open.
     */
    public fun handleBlocking(
        context: Context,
        host: ClientHost,
        data: Map<String, String>,
        deadline: Duration = DEADLINE,
        key: String = TOKEN,
    ): PushOutcome =
        runBlocking {
            val client = host.client() ?: return@runBlocking PushOutcome.NotMine
            handle(context, client, data, deadline, key)
        }

    /** Push services give a callback ten seconds on older devices. */
    private val DEADLINE: Duration = 8.seconds
}
