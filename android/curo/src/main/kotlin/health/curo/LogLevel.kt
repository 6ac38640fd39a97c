package health.curo

import health.curo.ffi.LogLevel as GeneratedLogLevel

/** How much a record matters, from the most to the least. */
public enum class LogLevel {
    /** Something is broken. */
    ERROR,

    /** Something is wrong with one conversation or message; the rest goes on. */
    WARN,

    /** A change of state. */
    INFO,

    /** What helps to find a fault. */
    DEBUG,
}

internal fun LogLevel.toGenerated(): GeneratedLogLevel =
    when (this) {
        LogLevel.ERROR -> GeneratedLogLevel.ERROR
        LogLevel.WARN -> GeneratedLogLevel.WARN
        LogLevel.INFO -> GeneratedLogLevel.INFO
        LogLevel.DEBUG -> GeneratedLogLevel.DEBUG
    }

internal fun GeneratedLogLevel.toPublic(): LogLevel =
    when (this) {
        GeneratedLogLevel.ERROR -> LogLevel.ERROR
        GeneratedLogLevel.WARN -> LogLevel.WARN
        GeneratedLogLevel.INFO -> LogLevel.INFO
        GeneratedLogLevel.DEBUG -> LogLevel.DEBUG
    }
