/**
 * What calls cost an app in Kotlin. `cargo xtask bench ffi` starts it, and its likes in Rust (`tests/bench`) and Swift
 * (`ios/driver/Sources/Bench`): the same steps under the same names through each platform's public API.
 * `docs/benchmarks.md` says what each figure is.
 *
 * `PHASE FOLDER [COUNT]`: the folder is an app's, with the files `relay`, `ca.der` and `token`.
 */
package health.curo.bench

import kotlinx.coroutines.runBlocking
import java.io.File
import kotlin.system.exitProcess

internal fun main(arguments: Array<String>) {
    val begun = System.nanoTime()
    val folder = File(arguments[1])
    // This thread stands for that of an app's screen: calls leave it and come back to it.
    runBlocking {
        when (arguments[0]) {
            "sign-in" -> signIn(folder)
            "start-up" -> startUp(folder, begun)
            "catch-up" -> catchUp(folder, arguments[2].toInt())
            "calls" -> calls(folder, arguments[2].toInt())
            else -> error("no such phase")
        }
    }
    exitProcess(0)
}

/** Tells the caller something, as one line. */
internal fun say(line: String) {
    println(line)
    System.out.flush()
}

/** The times of a figure, in nanoseconds. */
internal fun report(
    name: String,
    times: List<Long>,
): Unit = say("""{"name":"$name","ns":$times}""")
