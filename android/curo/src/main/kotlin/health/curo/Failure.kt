package health.curo

import java.util.Objects
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import health.curo.ffi.Failure as GeneratedFailure

/** Why something that is shown has failed: what an error says, as a value. */
public class Failure(
    /** The stable code. */
    public val code: ErrorCode,
    /** Whether the same may succeed later without the user's help. */
    public val retryable: Boolean,
    /** How long to wait before a retry, where the relay has said so. */
    public val retryAfter: Duration?,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is Failure &&
            code == other.code &&
            retryable == other.retryable &&
            retryAfter == other.retryAfter

    override fun hashCode(): Int = Objects.hash(code, retryable, retryAfter)

    override fun toString(): String = "Failure(code=$code, retryable=$retryable, retryAfter=$retryAfter)"
}

internal fun GeneratedFailure.toPublic(): Failure =
    Failure(code = ErrorCode(code), retryable = retryable, retryAfter = retryAfterMs?.milliseconds)
