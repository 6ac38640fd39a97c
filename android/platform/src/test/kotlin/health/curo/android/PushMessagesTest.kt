package health.curo.android

import android.app.job.JobScheduler
import android.os.Build
import health.curo.CuroException
import health.curo.ErrorCode
import health.curo.PushOutcome
import kotlinx.coroutines.runBlocking
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.time.Duration.Companion.seconds

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [Build.VERSION_CODES.VANILLA_ICE_CREAM], manifest = Config.NONE)
class PushMessagesTest {
    private val push = mapOf("token" to "00ff", "collapse" to "x")
    private val scheduled get() = system<JobScheduler>().allPendingJobs.map { it.id }

    @Test
    fun aPushIsFetchedInItsTime() =
        runBlocking {
            val client = FakeClient()
            val outcome = PushMessages.handle(app, client, push)
            assertEquals(PushOutcome.Fetched(FakeClient.outcome(complete = true)), outcome)
            PushMessages.handle(app, client, mapOf("wake" to "01"), 3.seconds, "wake")
            assertEquals(listOf("push 00ff 8s", "push 01 3s"), client.made())
            assertEquals(emptyList(), scheduled)
        }

    @Test
    fun whatIsLeftIsDoneByAJob() =
        runBlocking {
            PushMessages.handle(app, FakeClient { FakeClient.outcome(complete = false) }, push)
            assertEquals(listOf(CuroJobService.ONCE_JOB_ID), scheduled)
        }

    @Test
    fun aFailureLeavesAJobWhereThatMayHelp() {
        fun fails(failure: CuroException) =
            assertFailsWith<CuroException> {
                runBlocking {
                    PushMessages.handle(
                        app,
                        FakeClient { throw failure },
                        push,
                    )
                }
            }
        assertEquals(ErrorCode.LOCKED, fails(CuroException(ErrorCode.LOCKED)).code)
        assertEquals(emptyList(), scheduled)
        fails(CuroException(ErrorCode.BUSY, retryable = true))
        assertEquals(listOf(CuroJobService.ONCE_JOB_ID), scheduled)
    }

    @Test
    fun aPushOfOthersIsNotMine() =
        runBlocking {
            val client = FakeClient()
            assertEquals(PushOutcome.NotMine, PushMessages.handle(app, client, mapOf("other" to "00ff")))
            assertEquals(PushOutcome.NotMine, PushMessages.handleBlocking(app, { null }, push))
            assertEquals(emptyList(), client.made())
            PushMessages.handleBlocking(app, { client }, push)
            assertEquals(listOf("push 00ff 8s"), client.made())
        }
}
