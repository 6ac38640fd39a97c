package health.curo.android

import android.app.job.JobInfo
import android.app.job.JobParameters
import android.app.job.JobScheduler
import android.app.job.JobService
import android.content.ComponentName
import android.content.Context
import android.os.Build
import health.curo.CuroException
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.job
import kotlinx.coroutines.launch
import java.util.concurrent.ConcurrentHashMap
import kotlin.time.Duration
import kotlin.time.Duration.Companion.minutes

/**
 * Fetches what is new and sends what waits while nobody is in front, when the system finds time and a network for it. It is
 * in the library's manifest; the app schedules it, and its `Application` is a [ClientHost].
 *
 * What is not done within the deadline, or when the system stops the job, is done by the next one: the job asks to be run again,
 * and waits longer each time.
 */
public class CuroJobService : JobService() {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)

    /** By the jobs' ids. */
    internal val running = ConcurrentHashMap<Int, Job>()

    /** Begins a pass, and returns at once; does nothing where the app's `Application` is no [ClientHost]. */
    override fun onStartJob(params: JobParameters): Boolean {
        val host = application as? ClientHost ?: return false
        // In the table before it may end.
        val job =
            scope.launch(start = CoroutineStart.LAZY) {
                try {
                    jobFinished(params, pass(host) == Pass.AGAIN)
                } finally {
                    running.remove(params.jobId, coroutineContext.job)
                }
            }
        running.put(params.jobId, job)?.cancel()
        job.start()
        return true
    }

    /** Waits no longer. The pass itself comes to its end at its deadline at the latest, or with the process: both lose nothing. */
    override fun onStopJob(params: JobParameters): Boolean {
        running.remove(params.jobId)?.cancel()
        return true
    }

    private enum class Pass { DONE, AGAIN }

    private suspend fun pass(host: ClientHost): Pass =
        try {
            val client = host.client()
            if (client == null || client.runBackground(DEADLINE).complete) Pass.DONE else Pass.AGAIN
        } catch (cancelled: CancellationException) {
            throw cancelled
        } catch (failure: CuroException) {
            // What wants the person waits for them.
            if (failure.retryable) Pass.AGAIN else Pass.DONE
        }

    /** Scheduling it. */
    public companion object {
        /** The ids of the jobs, in the app's own space of ids: an app's own jobs have others. */
        public const val ONCE_JOB_ID: Int = 0x43_75_72_31

        /** See [ONCE_JOB_ID]. */
        public const val PERIODIC_JOB_ID: Int = 0x43_75_72_32

        /** Less than the ten minutes that the system gives a job. */
        private val DEADLINE: Duration = 8.minutes
        private val FIRST_RETRY: Duration = 1.minutes

        /**
         * Runs once, as soon as there is a network: for what is left to send when the app goes to the background, or for a push
         * whose time was too short. Does nothing if it is scheduled already. Returns whether the system has accepted.
         */
        public fun schedule(context: Context): Boolean {
            val job = info(context, ONCE_JOB_ID)
            job.setBackoffCriteria(FIRST_RETRY.inWholeMilliseconds, JobInfo.BACKOFF_POLICY_EXPONENTIAL)
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) job.expedite()
            return submit(context, job.build())
        }

        /**
         * Runs about so often, at least 15 minutes apart, as long as the app is installed and not stopped by force; the system
         * forgets it with a restart of the device, so schedule it at each start of the app. Returns whether the system has accepted.
         */
        public fun schedulePeriodic(
            context: Context,
            every: Duration = 60.minutes,
        ): Boolean = submit(context, info(context, PERIODIC_JOB_ID).setPeriodic(every.inWholeMilliseconds).build())

        /** Schedules nothing any more, for instance after a sign-out, and stops what runs. */
        public fun cancel(context: Context) {
            val scheduler = context.getSystemService(JobScheduler::class.java)
            listOf(ONCE_JOB_ID, PERIODIC_JOB_ID).forEach { scheduler?.cancel(it) }
        }

        @NewerAndroid(Build.VERSION_CODES.S)
        private fun JobInfo.Builder.expedite() {
            setExpedited(true)
        }

        private fun info(
            context: Context,
            id: Int,
        ): JobInfo.Builder =
            JobInfo
                .Builder(id, ComponentName(context, CuroJobService::class.java))
                .setRequiredNetworkType(JobInfo.NETWORK_TYPE_ANY)

        /** One that waits, or runs, is left alone: to schedule it again would stop it. */
        private fun submit(
            context: Context,
            job: JobInfo,
        ): Boolean {
            val scheduler = context.getSystemService(JobScheduler::class.java) ?: return false
            val pending = scheduler.getPendingJob(job.id)
            val same =
                pending != null && pending.isPeriodic == job.isPeriodic && pending.intervalMillis == job.intervalMillis
            return same || scheduler.schedule(job) == JobScheduler.RESULT_SUCCESS
        }
    }
}
