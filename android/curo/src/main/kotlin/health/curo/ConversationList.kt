package health.curo

import kotlinx.coroutines.flow.Flow

/** A window over the conversations, the one with the newest activity first. Close it with its screen. */
public interface ConversationList : AutoCloseable {
    /**
     * What to show: the newest state first, then each change. Collecting it twice is harmless. An item whose revision is
     * unchanged is the same instance as before. It ends when the list or its client is closed.
     */
    public val states: Flow<ConversationsState>

    /** Loads conversations with older activity; what is found comes with the next state. */
    public suspend fun loadOlder()

    /** Loads conversations with newer activity; what is found comes with the next state. */
    public suspend fun loadNewer()

    /** Goes to the conversation with the newest activity. */
    public suspend fun jumpToNewest()

    /** Ends [states] and lets go of the window. Returns at once; harmless to repeat. */
    override fun close()
}
