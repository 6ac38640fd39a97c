package health.curo.sample

import health.curo.Conversation
import health.curo.CuroException
import health.curo.Edge
import health.curo.ErrorCode
import health.curo.Message
import health.curo.TimelineItem
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/**
 * What a conversation's screen shows and does, without a screen: tests drive it as the activity does. It begins at the first
 * unread message. It may be called from any thread. Close it when the screen is gone for good.
 */
class ConversationModel(
    private val conversation: Conversation,
) : AutoCloseable {
    /** What is on the screen. */
    data class Screen(
        val title: String = "",
        val items: List<TimelineItem> = emptyList(),
        val locked: Boolean = false,
        /** Whether there is more above, and a spinner to show. */
        val older: Edge = Edge.End,
        /** For the button that goes down. */
        val newBelow: Int = 0,
        /** What the person has begun to write. */
        val draft: String = "",
        /** What went wrong last, for a line that goes away by itself. */
        val problem: ErrorCode? = null,
    ) {
        /** Nothing of what people wrote: a screen may be printed by mistake. */
        override fun toString(): String = "Screen(${items.size} items, problem=$problem)"
    }

    private val state = MutableStateFlow(Screen())
    private val timeline = conversation.timeline()
    private val writing = Mutex()
    private val sending = Mutex()

    /** Whether the draft on the screen is newer than the one in the store. */
    @Volatile
    private var written = false

    /** What is on the screen now. */
    val screen: StateFlow<Screen> = state.asStateFlow()

    /** Follows the conversation until it is cancelled, as an activity does from start to stop; it may be called again. */
    suspend fun follow(): Unit =
        coroutineScope {
            launch { followHead() }
            launch { followItems() }
        }

    /** Keeps what the person has begun to write. */
    suspend fun write(text: String): Unit = trying { keep(text) }

    /** Sends the draft. It is on the screen at once, also without a network. */
    suspend fun send(): Unit =
        // A second tap finds nothing to send.
        sending.withLock {
            val text = state.value.draft
            if (text.isEmpty()) return
            trying {
                conversation.send(text)
                // What was written meanwhile stays.
                if (state.value.draft == text) keep("")
            }
        }

    /** Tries again what has failed. */
    suspend fun retry(message: Message): Unit = trying { conversation.retry(message.id.intent) }

    /** The person has scrolled to the top. */
    suspend fun loadOlder() {
        if (state.value.older == Edge.More) trying { timeline.loadOlder() }
    }

    /** The person has tapped the button that goes down. */
    suspend fun goDown(): Unit = trying { timeline.jumpToNewest() }

    /** A message has come into sight: what is before it counts as read. */
    suspend fun saw(message: Message) {
        if (!message.own) trying { conversation.markRead(message.reference) }
    }

    /** Lets go of the conversation. What is on its way goes on. */
    override fun close(): Unit = timeline.close()

    private suspend fun followHead(): Unit =
        trying { conversation.states.collect { info -> state.update { it.copy(title = info?.title.orEmpty()) } } }

    private suspend fun followItems(): Unit =
        trying {
            timeline.states.collect { now ->
                state.update {
                    it.copy(items = now.items, locked = now.locked, older = now.older, newBelow = now.newBelow)
                }
                if (!now.locked && !written) restoreDraft()
            }
        }

    /** Shows what was begun before this screen was there, unless something new is. */
    private suspend fun restoreDraft() {
        val kept = conversation.draft()?.text.orEmpty()
        state.update { if (written) it else it.copy(draft = kept) }
        written = true
    }

    private suspend fun keep(text: String) {
        written = true
        state.update { it.copy(draft = text) }
        // One after the other, and of several that wait the newest alone.
        writing.withLock { if (state.value.draft == text) conversation.setDraft(text) }
    }

    private suspend fun trying(call: suspend () -> Unit) {
        try {
            call()
            state.update { it.copy(problem = null) }
        } catch (failure: CuroException) {
            state.update { it.copy(problem = failure.code) }
        }
    }
}
