/** What an app watches: flows, given to the runner as streams that are pulled. */
package health.curo.driver

import health.curo.Client
import health.curo.Conversation
import health.curo.ConversationId
import health.curo.ConversationList
import health.curo.ConversationsState
import health.curo.CuroException
import health.curo.Entry
import health.curo.ErrorCode
import health.curo.ItemKey
import health.curo.MessageRef
import health.curo.Timeline
import health.curo.TimelineState
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.firstOrNull
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.mapNotNull
import kotlinx.coroutines.flow.withIndex
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull
import kotlinx.serialization.json.JsonObject

/** What a flow has given: made JSON only for who asks. */
internal class Snapshot(
    val revision: Long,
    private val locked: Boolean,
    private val state: () -> Any?,
) {
    fun shape(): JsonObject = json("revision" to revision, "locked" to locked, "state" to state())
}

/** A stream that is watched. */
internal interface Stream {
    suspend fun perform(
        verb: String,
        args: Args,
    ): Any?

    fun end()
}

/** Waits for what is newer. Nothing newer in time is no error, and giving up loses nothing. */
private suspend fun Flow<Snapshot>.next(args: Args): Any? {
    val (after, wait) = args.number("after") to args.millis("wait_ms")
    val newer = withTimeoutOrNull(wait) { firstOrNull { it.revision > after } ?: throw CuroException(ErrorCode.CLOSED) }
    return newer?.shape()
}

private fun noVerb(verb: String): Nothing = bad("this stream has no `$verb`")

/** Where the API's flow has no revisions, its states are counted as they come; the newest one waits for who asks. */
private class CountedStream<T>(
    scope: CoroutineScope,
    states: Flow<T>,
    locked: (T) -> Boolean = { false },
    shape: (T) -> Any?,
) : Stream {
    private val newest = MutableStateFlow<Result<Snapshot>?>(null)
    private val collector =
        scope.launch {
            newest.value =
                try {
                    states.withIndex().collect { (at, state) ->
                        newest.value = Result.success(Snapshot(at + 1L, locked(state)) { shape(state) })
                    }
                    Result.failure(CuroException(ErrorCode.CLOSED))
                } catch (failure: CuroException) {
                    Result.failure(failure)
                }
        }

    override suspend fun perform(
        verb: String,
        args: Args,
    ): Any? = if (verb == "next") newest.mapNotNull { it?.getOrThrow() }.next(args) else noVerb(verb)

    override fun end(): Unit = collector.cancel()
}

/** Each `next` collects anew and so begins with the window as it is by then, after what was loaded before it. */
private class TimelineStream(
    private val conversation: Conversation,
    private val timeline: Timeline,
) : Stream {
    private val snapshots = timeline.states.map { Snapshot(it.revision, it.locked) { it.shape() } }

    override suspend fun perform(
        verb: String,
        args: Args,
    ): Any? =
        when (verb) {
            "next" -> snapshots.next(args)
            "load_older" -> timeline.loadOlder()
            "load_newer" -> timeline.loadNewer()
            "jump_to_newest" -> timeline.jumpToNewest()
            "jump" -> timeline.jumpTo(key(args.reference("message")))
            else -> noVerb(verb)
        }

    /** A message carries its item's key. */
    private suspend fun key(message: MessageRef): ItemKey {
        val found = conversation.message(message)?.entry as? Entry.Message
        return found?.message?.key ?: throw CuroException(ErrorCode.UNKNOWN)
    }

    override fun end(): Unit = timeline.close()
}

/** As [TimelineStream]. */
private class ListStream(
    private val list: ConversationList,
) : Stream {
    private val snapshots = list.states.map { Snapshot(it.revision, it.locked) { it.shape() } }

    override suspend fun perform(
        verb: String,
        args: Args,
    ): Any? =
        when (verb) {
            "next" -> snapshots.next(args)
            "load_older" -> list.loadOlder()
            "load_newer" -> list.loadNewer()
            "jump_to_newest" -> list.jumpToNewest()
            else -> noVerb(verb)
        }

    override fun end(): Unit = list.close()
}

/** `watch`: begins to watch something. */
internal fun Client.stream(
    scope: CoroutineScope,
    args: Args,
): Stream {
    val page = args.sizeOrNull("page") ?: 50
    val conversation = { conversation(ConversationId(args.string("conversation"))) }
    return when (args.string("what")) {
        "session" -> CountedStream(scope, session) { it.shape() }
        "connection" -> CountedStream(scope, connection) { it.shape() }
        "outbox" -> CountedStream(scope, outbox) { it.shape() }
        "unread" -> CountedStream(scope, unread) { it.shape() }
        "conversation" -> CountedStream(scope, conversation().states, { it == null }) { it?.shape() }
        "list" -> ListStream(conversationList(page))
        "timeline" -> conversation().let { TimelineStream(it, it.timeline(pageSize = page)) }
        else -> bad("`what` cannot be watched")
    }
}

private fun TimelineState.shape(): JsonObject =
    json(
        "items" to items.map { it.item.shape("key" to it.key.value, "revision" to it.revision) },
        "older" to older.shape(),
        "newer" to newer.shape(),
        "new_below" to newBelow,
        "anchor" to anchor?.value,
    )

private fun ConversationsState.shape(): JsonObject =
    json(
        "items" to
            items.map {
                json(
                    "conversation" to it.id.value,
                    "title" to it.row.title,
                    "unread" to it.row.unread,
                    "muted" to it.row.muted,
                )
            },
        "older" to older.shape(),
        "newer" to newer.shape(),
    )
