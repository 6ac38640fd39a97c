package health.curo

import java.time.Instant
import java.util.Objects
import health.curo.ffi.LogRecord as GeneratedLogRecord

/** One event: a code and values that tell nothing about people. */
public class LogRecord(
    /** When, by the device's clock. */
    public val time: Instant,
    /** How much it matters. */
    public val level: LogLevel,
    /** The part of the program. */
    public val target: String,
    /** What has happened, like a code: news_refused. */
    public val code: String,
    /** Names and values. */
    public val fields: List<LogField>,
    /** All of it as one line. */
    public val line: String,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is LogRecord &&
            time == other.time &&
            level == other.level &&
            target == other.target &&
            code == other.code &&
            fields == other.fields &&
            line == other.line

    override fun hashCode(): Int = Objects.hash(time, level, target, code, fields, line)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String =
        "LogRecord(level=$level, target=$target, code=$code, fields=${fields.size}, line=$line, …)"
}

internal fun GeneratedLogRecord.toPublic(): LogRecord =
    LogRecord(
        time = Instant.ofEpochMilli(timeMs),
        level = level.toPublic(),
        target = target,
        code = code,
        fields = fields.map { it.toPublic() },
        line = line,
    )
