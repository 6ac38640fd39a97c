// As much of AndroidX as Robolectric needs to run: what it calls, and nothing behind it.
package androidx.test.platform.app

import android.app.Instrumentation
import android.os.Bundle

object InstrumentationRegistry {
    private var registered: Instrumentation? = null

    @JvmStatic
    val instrumentation: Instrumentation get() = checkNotNull(registered) { "no instrumentation" }

    @JvmStatic
    var arguments: Bundle? = null
        private set

    @JvmStatic
    fun registerInstance(
        instrumentation: Instrumentation?,
        arguments: Bundle?,
    ) {
        registered = instrumentation
        this.arguments = arguments
    }
}
