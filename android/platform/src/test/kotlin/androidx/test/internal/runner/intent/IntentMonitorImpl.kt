// As much of AndroidX as Robolectric needs to run: what it calls, and nothing behind it.
package androidx.test.internal.runner.intent

import android.content.Intent
import androidx.test.runner.intent.IntentMonitor

class IntentMonitorImpl : IntentMonitor {
    fun signalIntent(intent: Intent?): Unit = Unit
}
