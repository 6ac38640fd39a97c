package health.curo

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.DelicateCoroutinesApi
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.ensureActive

/**
 * For what must not end with a caller: answers to the library, and closing. Never cancelled; whatever runs in it catches
 * everything and has an end.
 */
internal val background = CoroutineScope(SupervisorJob() + Dispatchers.IO)

/**
 * Calls the library, on a thread that may block: no call, not even the one that loads the library, costs the caller's
 * thread anything. Fails with [CuroException] alone.
 *
 * Calls that change something finish once they are entered, whatever becomes of the caller: the core sees to it. So the
 * core is entered even where the caller is cancelled on the way there, before a thread was free.
 */
@OptIn(DelicateCoroutinesApi::class)
internal suspend fun <T> call(block: suspend () -> T): T =
    coroutineScope {
        // Who is gone already asks for nothing.
        ensureActive()
        async(Dispatchers.IO, CoroutineStart.ATOMIC) {
            try {
                block()
            } catch (cancelled: CancellationException) {
                throw cancelled
            } catch (failure: Exception) {
                throw failure.toPublic()
            } catch (failure: LinkageError) {
                // The library is not there, or not for this processor.
                throw failure.toPublic()
            }
        }.await()
    }
