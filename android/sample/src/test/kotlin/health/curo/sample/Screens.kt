package health.curo.sample

import android.app.Activity
import android.view.View
import android.view.ViewGroup
import org.robolectric.Shadows.shadowOf

// How tests look at an activity.

/** Lets everything happen that waits for the main thread, and lays the views out. */
internal fun idle(activity: Activity) {
    shadowOf(activity.mainLooper).idle()
    val root = activity.window.decorView
    val size = { pixels: Int -> View.MeasureSpec.makeMeasureSpec(pixels, View.MeasureSpec.EXACTLY) }
    root.measure(size(480), size(800))
    root.layout(0, 0, 480, 800)
    shadowOf(activity.mainLooper).idle()
}

internal inline fun <reified T : View> Activity.all(): List<T> = window.decorView.andBelow().filterIsInstance<T>()

internal fun View.andBelow(): List<View> {
    val group = this as? ViewGroup ?: return listOf(this)
    return List(group.childCount) { group.getChildAt(it).andBelow() }.flatten() + group
}
