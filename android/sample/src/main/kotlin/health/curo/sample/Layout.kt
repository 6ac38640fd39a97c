package health.curo.sample

import android.content.Context
import android.view.View
import android.view.ViewGroup
import android.widget.LinearLayout

// Views in rows and columns, without resources. The number beside a view is its share of the room that is left.

internal fun Context.column(vararg views: Pair<View, Float>): ViewGroup = lined(LinearLayout.VERTICAL, views)

internal fun Context.row(vararg views: Pair<View, Float>): ViewGroup = lined(LinearLayout.HORIZONTAL, views)

private fun Context.lined(
    direction: Int,
    views: Array<out Pair<View, Float>>,
): ViewGroup =
    LinearLayout(this).apply {
        orientation = direction
        val along = { share: Float -> if (share > 0) 0 else ViewGroup.LayoutParams.WRAP_CONTENT }
        val across = ViewGroup.LayoutParams.MATCH_PARENT
        for ((view, share) in views) {
            val place =
                if (direction == LinearLayout.VERTICAL) {
                    LinearLayout.LayoutParams(across, along(share), share)
                } else {
                    LinearLayout.LayoutParams(along(share), ViewGroup.LayoutParams.WRAP_CONTENT, share)
                }
            addView(view, place)
        }
    }
