package health.curo

import health.curo.ffi.provokePanic
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** What an app is told of the library's doings. */
class LogTest {
    @Test
    fun recordsComeInBatchesAndSayNothingOfPeople() {
        val batches = LinkedBlockingQueue<LogBatch>()
        val sink =
            LogSink { batch ->
                batches += batch
                // Costs the batch and nothing else.
                throw StackOverflowError(CANARY)
            }
        two { pair ->
            setLogSink(sink, LogLevel.DEBUG)
            pair.anas.setTitle(CANARY)
            pair.anas.setDraft(CANARY)
            pair.ana.setDisplayName(CANARY)
            pair.anaSays(CANARY)
            pair.ben.search(CANARY)
            // Whatever was told before has come once this has, and twice shows that the sink is still asked.
            repeat(2) {
                refused(ErrorCode.INTERNAL) { call { provokePanic(true) } }
                while ("panic" !in told(checkNotNull(batches.poll(120, TimeUnit.SECONDS)))) continue
            }
            clearLogSink()
        }
    }

    private fun told(batch: LogBatch): List<String> {
        assertTrue(batch.records.size in 1..256)
        for (record in batch.records) {
            assertTrue(record.line.contains(record.code), record.line)
            assertFalse("$batch $record ${record.line} ${record.fields}".contains(CANARY), record.line)
        }
        return batch.records.map { it.code }
    }

    @Test
    fun diagnosticsSayNothingOfPeople() =
        two { pair ->
            pair.ana.setDisplayName(CANARY)
            pair.anas.setTitle(CANARY)
            pair.anaSays(CANARY)
            val told = pair.ana.diagnostics()
            assertTrue(told.isNotEmpty())
            assertFalse(told.contains(CANARY))
        }

    @Test
    fun levelsGoFromTheMostToTheLeast() {
        assertEquals(listOf("ERROR", "WARN", "INFO", "DEBUG"), LogLevel.entries.map { it.name })
    }
}
