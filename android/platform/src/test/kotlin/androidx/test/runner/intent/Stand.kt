// As much of AndroidX as Robolectric needs to run: what it calls, and nothing behind it.
package androidx.test.runner.intent

import android.app.Instrumentation
import android.content.Intent

interface IntentMonitor

object IntentMonitorRegistry {
    @JvmStatic
    fun registerInstance(monitor: IntentMonitor?): Unit = Unit
}

interface IntentStubber {
    fun getActivityResultForIntent(intent: Intent?): Instrumentation.ActivityResult?
}

object IntentStubberRegistry {
    @JvmStatic
    val isLoaded: Boolean get() = false

    @JvmStatic
    val instance: IntentStubber? get() = null
}
