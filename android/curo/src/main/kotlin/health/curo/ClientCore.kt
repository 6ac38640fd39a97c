package health.curo

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext
import kotlin.time.Duration.Companion.seconds
import health.curo.ffi.Client as GeneratedClient

/** What all handles of an open client share: the library's client, its states, and the end. */
internal class ClientCore private constructor(
    val handle: GeneratedClient,
    val profile: ProfileId,
    first: First,
) {
    /** The states at the opening, so that no flow begins with a guess. */
    private class First(
        val session: SessionState,
        val connection: ConnectionState,
        val unread: Unread,
        val outbox: OutboxState,
        val waiting: List<DeviceId>,
    )

    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.IO)
    private val watchers = CoroutineScope(SupervisorJob() + Dispatchers.IO)
    private val touches = Channel<Unit>(Channel.CONFLATED)
    private val closing = Mutex()
    private var closed = false

    val session: StateFlow<SessionState> =
        watch(first.session) {
            handle.observeSession().let { s ->
                Pull(s::next, { it.revision }) to
                    { it.state.toPublic() }
            }
        }
    val connection: StateFlow<ConnectionState> =
        watch(first.connection) {
            handle.observeConnection().let { s -> Pull(s::next, { it.revision }) to { it.state.toPublic() } }
        }
    val unread: StateFlow<Unread> =
        watch(first.unread) {
            handle.observeUnread().let { s ->
                Pull(s::next, { it.revision }) to
                    { it.state.toPublic() }
            }
        }
    val outbox: StateFlow<OutboxState> =
        watch(first.outbox) {
            handle.observeOutbox().let { s ->
                Pull(s::next, { it.revision }) to
                    { it.state.toPublic() }
            }
        }
    val waiting: StateFlow<List<DeviceId>> =
        watch(first.waiting) {
            handle.observeWaitingDevices().let { s ->
                Pull(s::next, { it.revision }) to { snapshot -> snapshot.state.map { DeviceId(it) } }
            }
        }

    init {
        // One call for any number of touches that come while it runs.
        scope.launch { for (touch in touches) runCatching { handle.noteUserActivity() } }
    }

    fun noteUserActivity() {
        touches.trySend(Unit)
    }

    fun networkChanged() {
        scope.launch { runCatching { handle.networkChanged() } }
    }

    /** Ends the client, waits for the last states, and frees what the library holds. */
    suspend fun close(): Unit =
        withContext(NonCancellable) {
            closing.withLock {
                if (closed) return@withLock
                call { handle.end() }
                scope.cancel()
                watchers.coroutineContext[Job]?.children?.forEach { it.join() }
                call { handle.close() }
                closed = true
            }
        }

    /** Follows a stream for as long as the client is open. */
    private fun <S, T> watch(
        first: T,
        open: () -> Pair<Pull<S>, (S) -> T>,
    ): StateFlow<T> {
        val state = MutableStateFlow(first)
        watchers.launch {
            while (true) {
                try {
                    val (pull, convert) = call { open() }
                    snapshots({ pull }) { convert }.collect { state.value = it }
                    return@launch
                } catch (failure: CuroException) {
                    // The store could not be read; the stream is opened again when that may have passed.
                    if (failure.isTheEnd()) return@launch
                    delay(AGAIN)
                }
            }
        }
        return state
    }

    companion object {
        private val AGAIN = 1.seconds

        /** Reads the first states of a client that was just opened; only inside [call]. */
        suspend fun of(handle: GeneratedClient): ClientCore =
            try {
                val first =
                    First(
                        session = handle.session().toPublic(),
                        connection = handle.connection().toPublic(),
                        unread = handle.observeUnread().use { it.next(0).state.toPublic() },
                        outbox = handle.observeOutbox().use { it.next(0).state.toPublic() },
                        waiting = handle.observeWaitingDevices().use { s -> s.next(0).state.map { DeviceId(it) } },
                    )
                ClientCore(handle, ProfileId(handle.profile()), first)
            } catch (failure: Throwable) {
                withContext(NonCancellable) { runCatching { handle.end() } }
                handle.close()
                throw failure
            }
    }
}
