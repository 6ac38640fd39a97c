package health.curo

import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.withContext

/**
 * A stream of the library as it is read: `next` waits until the state is newer than a revision. Nothing is popped, so a
 * slow reader gets the newest state and misses only those in between.
 */
internal class Pull<S>(
    val next: suspend (Long) -> S,
    val revision: (S) -> Long,
    val end: () -> Unit = {},
)

/**
 * A cold flow of snapshots: each collector has its own place, and only the newest snapshot waits for it. It ends when what
 * it watches is closed or erased, and fails with [CuroException] otherwise. `newConvert` is called for each collector.
 */
internal fun <S, T> snapshots(
    open: () -> Pull<S>,
    newConvert: () -> (S) -> T,
): Flow<T> =
    flow {
        val pull =
            try {
                call { open() }
            } catch (failure: CuroException) {
                if (failure.isTheEnd()) return@flow else throw failure
            }
        val convert = newConvert()
        try {
            var seen = 0L
            while (true) {
                val snapshot =
                    try {
                        call {
                            val next = pull.next(seen)
                            seen = pull.revision(next)
                            convert(next)
                        }
                    } catch (failure: CuroException) {
                        if (failure.isTheEnd()) return@flow else throw failure
                    }
                emit(snapshot)
            }
        } finally {
            withContext(NonCancellable) { call { pull.end() } }
        }
    }

/** Whether it says that there will be no more snapshots. */
internal fun CuroException.isTheEnd(): Boolean = code == ErrorCode.CLOSED || code == ErrorCode.STORE_MISSING
