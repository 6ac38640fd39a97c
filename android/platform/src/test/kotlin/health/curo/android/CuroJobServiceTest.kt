package health.curo.android

import android.app.job.JobParameters
import android.app.job.JobScheduler
import android.os.Build
import health.curo.CuroException
import health.curo.ErrorCode
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadow.api.Shadow
import org.robolectric.util.ReflectionHelpers
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.minutes

/** Generous: it is only waited out when a test fails. */
private const val SOON_MS = 300_000L

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [Build.VERSION_CODES.VANILLA_ICE_CREAM], manifest = Config.NONE, application = HostApp::class)
class CuroJobServiceTest {
    private val service = Robolectric.setupService(CuroJobService::class.java)
    private val scheduler = system<JobScheduler>()
    private val once get() = scheduler.getPendingJob(CuroJobService.ONCE_JOB_ID)
    private val periodic get() = scheduler.getPendingJob(CuroJobService.PERIODIC_JOB_ID)

    private fun parameters(): JobParameters =
        Shadow.newInstanceOf(JobParameters::class.java).also {
            ReflectionHelpers.setField(it, "jobId", CuroJobService.ONCE_JOB_ID)
        }

    private fun host(client: FakeClient?) {
        (app as HostApp).given = client
    }

    /** Runs a job to its end; whether it wants to run again. */
    private fun again(client: FakeClient?): Boolean {
        host(client)
        assertTrue(service.onStartJob(parameters()))
        finish()
        assertTrue(shadowOf(service).isJobFinished)
        return shadowOf(service).isRescheduleNeeded
    }

    private fun finish() = runBlocking { withTimeout(SOON_MS) { service.running.values.forEach { it.join() } } }

    @Test
    fun aPassThatIsDoneEndsTheJob() {
        val client = FakeClient()
        assertFalse(again(client))
        assertEquals(listOf("background 8m"), client.made())
        assertTrue(service.running.isEmpty())
    }

    @Test
    fun aPassThatWasCutOffRunsAgain() = assertTrue(again(FakeClient { FakeClient.outcome(complete = false) }))

    @Test
    fun aFailureRunsAgainWhereThatMayHelp() {
        assertTrue(again(FakeClient { throw CuroException(ErrorCode.VAULT_NOT_READY, retryable = true) }))
        assertFalse(again(FakeClient { throw CuroException(ErrorCode.SIGN_IN_NEEDED) }))
    }

    @Test
    fun withoutAClientThereIsNothingToDo() = assertFalse(again(null))

    @Test
    fun aStoppedJobIsWaitedForNoLongerAndRunsAgain() =
        runBlocking {
            val left = CompletableDeferred<Unit>()
            val client =
                FakeClient {
                    try {
                        awaitCancellation()
                    } finally {
                        left.complete(Unit)
                    }
                }
            host(client)
            val parameters = parameters()
            assertTrue(service.onStartJob(parameters))
            withTimeout(SOON_MS) {
                client.calls.receive()
                val job = service.running.values.single()
                assertTrue(service.onStopJob(parameters))
                left.await()
                job.join()
            }
            assertFalse(shadowOf(service).isJobFinished)
            assertTrue(service.running.isEmpty())
        }

    @Test
    fun itIsScheduledOnceAndWantsANetwork() {
        assertTrue(CuroJobService.schedule(app))
        val first = assertNotNull(once)
        assertNotNull(first.requiredNetwork)
        assertTrue(first.isExpedited)
        assertFalse(first.isPersisted)
        assertEquals(CuroJobService::class.java.name, first.service.className)
        assertTrue(CuroJobService.schedule(app))
        assertTrue(first === once)
        CuroJobService.cancel(app)
        assertEquals(null, once)
        onAndroid(Build.VERSION_CODES.R) { assertTrue(CuroJobService.schedule(app)) }
        assertFalse(assertNotNull(once).isExpedited)
    }

    @Test
    fun aPeriodicJobIsReplacedByOneOfAnotherPeriodAlone() {
        assertTrue(CuroJobService.schedulePeriodic(app))
        val first = assertNotNull(periodic)
        assertEquals(60.minutes.inWholeMilliseconds, first.intervalMillis)
        assertTrue(CuroJobService.schedulePeriodic(app, 60.minutes))
        assertTrue(first === periodic)
        assertTrue(CuroJobService.schedulePeriodic(app, 30.minutes))
        assertEquals(30.minutes.inWholeMilliseconds, periodic?.intervalMillis)
        CuroJobService.cancel(app)
        assertEquals(emptyList(), scheduler.allPendingJobs)
    }
}

/** An app that is no host. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [Build.VERSION_CODES.VANILLA_ICE_CREAM], manifest = Config.NONE)
class CuroJobServiceWithoutHostTest {
    @Test
    fun theJobEndsAtOnce() {
        val service = Robolectric.setupService(CuroJobService::class.java)
        assertFalse(service.onStartJob(Shadow.newInstanceOf(JobParameters::class.java)))
        assertTrue(service.running.isEmpty())
    }
}
