package health.curo.testing

import health.curo.CuroException
import kotlinx.coroutines.CompletableDeferred

/** The calls on a fake client and all that comes from it: which were made, and how they end. Safe from any thread. */
public class FakeCalls internal constructor() {
    private val recorded = mutableListOf<RecordedCall>()
    private val next = mutableMapOf<String, ArrayDeque<CuroException>>()
    private val always = mutableMapOf<String, CuroException>()
    private val held = mutableMapOf<String, CompletableDeferred<Unit>>()

    /** All of them until now, in their order. */
    public val made: List<RecordedCall> get() = synchronized(this) { recorded.toList() }

    /** Those of this name until now. */
    public fun named(name: String): List<RecordedCall> = made.filter { it.name == name }

    /** Forgets which were made. */
    public fun forget(): Unit = synchronized(this) { recorded.clear() }

    /** The next call of this name fails, once; after those that were told before. It changes nothing then. */
    public fun failNext(
        name: String,
        failure: CuroException,
    ): Unit = synchronized(this) { next.getOrPut(name, ::ArrayDeque).addLast(failure) }

    /** Every call of this name fails from now on, and changes nothing; with null it succeeds again. */
    public fun fail(
        name: String,
        failure: CuroException?,
    ): Unit = synchronized(this) { if (failure == null) always.remove(name) else always[name] = failure }

    /** Calls of this name that suspend do not return until [release], so that a test sees what is shown meanwhile. */
    public fun hold(name: String): Unit = synchronized(this) { held.getOrPut(name) { CompletableDeferred() } }

    /** Lets the calls of this name go on, and later ones at once. */
    public fun release(name: String) {
        synchronized(this) { held.remove(name) }?.complete(Unit)
    }

    internal fun record(call: RecordedCall): Unit = synchronized(this) { recorded += call }

    internal suspend fun admit(name: String) {
        synchronized(this) { held[name] }?.await()
        synchronized(this) { next[name]?.removeFirstOrNull() ?: always[name] }?.let { throw it }
    }
}
