package health.curo.driver

import health.curo.LogBatch
import health.curo.LogLevel
import health.curo.LogSink
import health.curo.LogValue
import health.curo.setLogSink

/** The core's log, as JSON lines on standard error, where the runner collects it. */
internal object Logs : LogSink {
    /** Everything that the core logs, from now on. */
    suspend fun toStandardError(): Unit = setLogSink(this, LogLevel.DEBUG)

    override fun log(batch: LogBatch) {
        for (record in batch.records) {
            val fields = record.fields.map { it.name to text(it.value) }.toTypedArray()
            val level = record.level.name.lowercase()
            val head = arrayOf("time_ms" to record.time.toEpochMilli(), "level" to level, "code" to record.code)
            System.err.println(json(*head, "fields" to json(*fields)))
        }
        if (batch.dropped > 0) System.err.println(json("dropped" to batch.dropped))
    }

    private fun text(value: LogValue): String =
        when (value) {
            is LogValue.Bool -> value.value.toString()
            is LogValue.Number -> value.value.toString()
            is LogValue.Name -> value.value
        }
}
