package health.curo

import kotlinx.coroutines.flow.Flow

/** A window over a conversation's items that follows the live end. Close it with its screen. */
public interface Timeline : AutoCloseable {
    /**
     * What to show: the newest state first, then each change, at most twenty a second. Collecting it twice is harmless. An
     * item whose revision is unchanged is the same instance as before. It ends when the timeline or its client is closed.
     */
    public val states: Flow<TimelineState>

    /** Loads older items; what is found comes with the next state. */
    public suspend fun loadOlder()

    /** Loads newer items; what is found comes with the next state. */
    public suspend fun loadNewer()

    /** Goes to one item, with others around it. Fails with [ErrorCode.UNKNOWN] where it is not on this device. */
    public suspend fun jumpTo(key: ItemKey)

    /** Goes to the live end. */
    public suspend fun jumpToNewest()

    /** Ends [states] and lets go of the window. Returns at once; harmless to repeat. */
    override fun close()
}
