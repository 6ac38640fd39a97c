package health.curo

import java.util.Objects
import health.curo.ffi.LogBatch as GeneratedLogBatch

/** Records in the order of their making. */
public class LogBatch(
    /** 1 to 256 records. */
    public val records: List<LogRecord>,
    /** Records that were dropped before these since the last batch, because the sink was too slow. */
    public val dropped: Int,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is LogBatch &&
            records == other.records &&
            dropped == other.dropped

    override fun hashCode(): Int = Objects.hash(records, dropped)

    override fun toString(): String = "LogBatch(records=${records.size}, dropped=$dropped)"
}

internal fun GeneratedLogBatch.toPublic(): LogBatch =
    LogBatch(records = records.map { it.toPublic() }, dropped = dropped.toCount())
