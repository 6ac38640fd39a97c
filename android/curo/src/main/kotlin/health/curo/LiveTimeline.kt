package health.curo

import kotlinx.coroutines.flow.Flow
import health.curo.ffi.Timeline as GeneratedTimeline
import health.curo.ffi.TimelineSnapshot as GeneratedTimelineSnapshot

/** A timeline over the library. */
internal class LiveTimeline(
    open: () -> GeneratedTimeline,
) : Timeline {
    private val window =
        Window(open) {
            it.end()
            it.close()
        }

    override val states: Flow<TimelineState> =
        snapshots({ window.get().let { timeline -> Pull(timeline::next, { it.revision }) } }) {
            var previous = emptyMap<ItemKey, TimelineItem>()

            fun(snapshot: GeneratedTimelineSnapshot): TimelineState =
                snapshot.toPublic(previous).also { previous = it.items.associateBy(TimelineItem::key) }
        }

    override suspend fun loadOlder(): Unit = call { window.get().loadOlder() }

    override suspend fun loadNewer(): Unit = call { window.get().loadNewer() }

    override suspend fun jumpTo(key: ItemKey): Unit = call { window.get().jumpTo(key.value.wellFormed()) }

    override suspend fun jumpToNewest(): Unit = call { window.get().jumpToNewest() }

    override fun close(): Unit = window.close()
}
