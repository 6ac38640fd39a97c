package health.curo

import kotlinx.coroutines.launch

/** A window of the library that is opened with its first use, and closed once. Opening and closing block no caller. */
internal class Window<H : Any>(
    private val open: () -> H,
    private val end: (H) -> Unit,
) {
    private var handle: H? = null

    @Volatile
    private var closed = false

    /** The window; only inside [call]. Fails with closed. */
    @Synchronized
    fun get(): H {
        if (closed) throw CuroException(ErrorCode.CLOSED)
        return handle ?: open().also { handle = it }
    }

    fun close() {
        closed = true
        background.launch { runCatching { endIt() } }
    }

    @Synchronized
    private fun endIt() {
        handle?.let(end)
        handle = null
    }
}
