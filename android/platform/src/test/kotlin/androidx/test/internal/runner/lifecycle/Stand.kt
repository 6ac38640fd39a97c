// As much of AndroidX as Robolectric needs to run: what it calls, and nothing behind it.
package androidx.test.internal.runner.lifecycle

import android.app.Activity
import android.app.Application
import androidx.test.runner.lifecycle.ActivityLifecycleCallback
import androidx.test.runner.lifecycle.ActivityLifecycleMonitor
import androidx.test.runner.lifecycle.ApplicationLifecycleMonitor
import androidx.test.runner.lifecycle.ApplicationStage
import androidx.test.runner.lifecycle.Stage

class ApplicationLifecycleMonitorImpl : ApplicationLifecycleMonitor {
    fun signalLifecycleChange(
        application: Application?,
        stage: ApplicationStage?,
    ): Unit = Unit
}

class ActivityLifecycleMonitorImpl : ActivityLifecycleMonitor {
    override fun addLifecycleCallback(callback: ActivityLifecycleCallback?): Unit = Unit

    override fun removeLifecycleCallback(callback: ActivityLifecycleCallback?): Unit = Unit

    override fun getLifecycleStageOf(activity: Activity?): Stage? = null

    override fun getActivitiesInStage(stage: Stage?): Collection<Activity> = emptyList()

    fun signalLifecycleChange(
        stage: Stage?,
        activity: Activity?,
    ): Unit = Unit
}
