package health.curo

import health.curo.ffi.LogLevel as GeneratedLogLevel

/** How much a record matters, from the most to the least. */
public enum class LogLevel {
    /** Something is broken. */
    ERROR,
}

internal fun LogLevel.toGenerated(): GeneratedLogLevel =
    when (this) {
        LogLevel.ERROR -> GeneratedLogLevel.ERROR
    }

internal fun GeneratedLogLevel.toPublic(): LogLevel =
    when (this) {
        GeneratedLogLevel.ERROR -> LogLevel.ERROR
    }
