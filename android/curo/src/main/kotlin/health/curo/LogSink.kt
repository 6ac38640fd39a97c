package health.curo

import health.curo.ffi.LogBatch as GeneratedLogBatch
import health.curo.ffi.LogSink as GeneratedLogSink
import health.curo.ffi.clearLogSink as clear
import health.curo.ffi.setLogSink as set

/** Where an app wants the library's log. Nothing in it says anything about people. */
public fun interface LogSink {
    /**
     * Takes a batch. Called on a thread of the library's own, one batch at a time; it may block. What it throws costs the
     * batch and nothing else.
     */
    public fun log(batch: LogBatch)
}

/**
 * Gives the log of all clients of this process to a sink, up to a level, from now on; the one that was there before
 * is let go of. Fails with [ErrorCode.BUSY] where the operating system gives no thread.
 */
public suspend fun setLogSink(
    sink: LogSink,
    level: LogLevel = LogLevel.INFO,
): Unit = call { set(LogAdapter(sink), level.toGenerated()) }

/** Logs to no sink from now on, and lets go of the one that was there. */
public suspend fun clearLogSink(): Unit = call { clear() }

private class LogAdapter(
    private val sink: LogSink,
) : GeneratedLogSink {
    override fun log(batch: GeneratedLogBatch) {
        try {
            sink.log(batch.toPublic())
        } catch (_: Throwable) {
            // Its text may be anything; the library goes on.
        }
    }
}
