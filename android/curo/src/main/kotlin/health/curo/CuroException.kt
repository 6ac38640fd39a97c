package health.curo

import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import health.curo.ffi.CuroException as GeneratedException

/**
 * What every call fails with. Decide by the [code]; codes are an open set, so treat one that you do not know by
 * [retryable]. It holds nothing of what people wrote and nothing of what a relay, a vault or a token provider said.
 *
 * A coroutine that is cancelled gets Kotlin's `CancellationException`, as everywhere.
 */
public class CuroException(
    /** The stable code. */
    public val code: ErrorCode,
    /** Whether the same call may succeed later without the user's help. */
    public val retryable: Boolean = false,
    /** How long to wait before a retry, where the relay has said so. */
    public val retryAfter: Duration? = null,
) : Exception("code=$code, retryable=$retryable, retryAfter=$retryAfter")

/** Whatever the generated code can throw, as the one public error; texts of others are dropped. */
internal fun Throwable.toPublic(): CuroException =
    when (this) {
        is CuroException -> this
        is GeneratedException.Failed -> CuroException(ErrorCode(code), retryable, retryAfterMs?.milliseconds)
        // What the generated code says of an object that was closed.
        is IllegalStateException -> CuroException(ErrorCode.CLOSED)
        else -> CuroException(ErrorCode.INTERNAL, retryable = true)
    }
