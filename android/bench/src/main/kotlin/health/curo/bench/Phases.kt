/** The measurements. Those in Rust and Swift are the same, step for step: whoever changes one changes all three. */
package health.curo.bench

import health.curo.Client
import health.curo.ConnectionState
import health.curo.Conversation
import health.curo.ItemKey
import health.curo.Timeline
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.takeWhile
import java.io.File
import java.time.Instant
import java.time.temporal.ChronoUnit

/** What a live message says. */
private const val LIVE = "live"

/** Calls that one figure of a call is the mean of: a single one is shorter than clocks can tell. */
private const val BATCH = 100

/** Calls before those that count, for each that counts: a virtual machine compiles what is called often. */
private const val WARM = 2

/** Live messages before those that count; they come one by one and take their time. */
private const val FIRST = 5

/** The longest text that there is: 1 MiB but for 1 KiB. */
private const val LONGEST = 1024 * 1024 - 1024

/** Makes a device: its user's id. */
internal suspend fun signIn(folder: File) {
    val client = open(folder)
    val account = client.signIn()
    client.close()
    say("""{"user":"${account.user.value}"}""")
}

/** From the program's first line to the first snapshot of a conversation, without the network. */
internal suspend fun startUp(
    folder: File,
    begun: Long,
) {
    val client = open(folder)
    val ward = conversation(client)
    val timeline = ward.timeline()
    val shown = timeline.states.first()
    report("start_up", listOf(System.nanoTime() - begun))
    check(shown.items.isNotEmpty()) { "nothing to show" }
    client.close()
}

/** From the start to the last of so many messages in a conversation that this device has yet to join. */
internal suspend fun catchUp(
    folder: File,
    count: Int,
) {
    val client = open(folder)
    val last = "note number $count of a long stay"
    val begun = System.nanoTime()
    client.start()
    val ward = conversation(client)
    ward.newest(50).states.first { snapshot -> snapshot.items.any { it.text == last } }
    report("catch_up", listOf(System.nanoTime() - begun))
    client.close()
}

/** Everything that needs a client that runs: `count` figures of each call. */
internal suspend fun calls(
    folder: File,
    count: Int,
) {
    val client = open(folder)
    client.start()
    val ward = conversation(client)
    client.connection.first { it == ConnectionState.Live }
    noOp(client, count)
    snapshots("snapshot_50", ward.newest(50), count, 50)
    snapshots("snapshot_300", ward.newest(300), count, 300)
    texts(ward, count)
    arrivals(ward, count)
    client.close()
}

/** A client that is started already: nothing is done but the call. */
private suspend fun noOp(
    client: Client,
    count: Int,
) {
    val times = mutableListOf<Long>()
    repeat(count * (WARM + 1)) {
        val begun = System.nanoTime()
        repeat(BATCH) { client.start() }
        times += (System.nanoTime() - begun) / BATCH
    }
    report("no_op_call", times.drop(count * WARM))
}

/** The newest snapshot of an open timeline, asked for anew. */
private suspend fun snapshots(
    name: String,
    timeline: Timeline,
    count: Int,
    items: Int,
) {
    val times = mutableListOf<Long>()
    repeat(count * (WARM + 1)) {
        val begun = System.nanoTime()
        val snapshot = timeline.states.first()
        times += System.nanoTime() - begun
        check(snapshot.items.size == items) { "${snapshot.items.size} items" }
    }
    report(name, times.drop(count * WARM))
}

/** The longest text as a draft: into the library, and out of it again. */
private suspend fun texts(
    ward: Conversation,
    count: Int,
) {
    val text = "x".repeat(LONGEST)
    val there = mutableListOf<Long>()
    val back = mutableListOf<Long>()
    repeat(count * (WARM + 1)) {
        var begun = System.nanoTime()
        ward.setDraft(text)
        there += System.nanoTime() - begun
        begun = System.nanoTime()
        val draft = checkNotNull(ward.draft()) { "no draft" }
        back += System.nanoTime() - begun
        check(draft.text.length == LONGEST) { "another draft" }
    }
    ward.setDraft("")
    report("text_in", there.drop(count * WARM))
    report("text_out", back.drop(count * WARM))
}

/** From the relay's accept of a message, by the time that it gave it, to the snapshot with it. */
private suspend fun arrivals(
    ward: Conversation,
    count: Int,
) {
    val known = mutableSetOf<ItemKey>()
    val times = mutableListOf<Long>()
    var asked = false
    ward
        .newest(50)
        .states
        .takeWhile { snapshot ->
            val now = Instant.now()
            for (item in snapshot.items) {
                if (item.text == LIVE && known.add(item.key) && asked) {
                    val accepted = checkNotNull(item.item.acceptedAt) { "not accepted" }
                    times += ChronoUnit.NANOS.between(accepted, now)
                }
            }
            if (!asked) say("""{"want":${FIRST + count}}""")
            asked = true
            times.size < FIRST + count
        }.collect {}
    report("accept_to_visible", times.drop(FIRST))
}
