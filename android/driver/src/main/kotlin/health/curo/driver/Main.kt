/**
 * The Kotlin driver of the QA runner: an app without a screen. It reads requests as JSON lines from standard input, does
 * each through the public API of `health.curo`, and answers on standard output. `docs/qa.md` describes the protocol,
 * which the drivers of all platforms share.
 *
 * Knows nothing of scenarios, of other devices and of the relay's inside. For tests: its vault is a file.
 */
package health.curo.driver

import health.curo.CuroException
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonObject
import java.io.FileDescriptor
import java.io.FileOutputStream

/** The version of the protocol. */
private const val PROTOCOL = 1

/** The exit code of a driver that is broken. */
private const val BROKEN = 3

private val standardOutput = FileOutputStream(FileDescriptor.out)

internal fun main() {
    // Whoever waits for an answer must not wait for ever: what nothing catches ends the process.
    Thread.setDefaultUncaughtExceptionHandler { _, failure ->
        failure.printStackTrace()
        Runtime.getRuntime().halt(BROKEN)
    }
    val app = App(CoroutineScope(SupervisorJob() + Dispatchers.Default))
    runBlocking { Logs.toStandardError() }
    say(json("hello" to json("protocol" to PROTOCOL, "platform" to "kotlin", "now_ms" to System.currentTimeMillis())))
    for (line in System.`in`.bufferedReader().lineSequence()) {
        // Each request is a coroutine: one may wait while others go on.
        app.scope.launch { say(obey(app, line)) }
    }
    // Whoever has started this is gone: so is the app, as if it had been killed.
    Runtime.getRuntime().halt(0)
}

private suspend fun obey(
    app: App,
    line: String,
): JsonObject {
    val request =
        try {
            Json.parseToJsonElement(line).jsonObject
        } catch (_: SerializationException) {
            return json("id" to null, "fault" to "no JSON")
        } catch (_: IllegalArgumentException) {
            return json("id" to null, "fault" to "no JSON object")
        }
    val id: JsonElement = request["id"] ?: JsonNull
    val args = Args(request["args"] as? JsonObject ?: JsonObject(emptyMap()))
    val verb = (request["do"] as? JsonPrimitive)?.content.orEmpty()
    if (request["drop"] == JsonPrimitive(true)) {
        // Entered on this thread, then cancelled: what becomes of a call when its screen goes.
        app.scope.launch(start = CoroutineStart.UNDISPATCHED) { answer(id) { app.perform(verb, args) } }.cancelAndJoin()
        return json("id" to id, "dropped" to true)
    }
    return answer(id) { app.perform(verb, args) }
}

private suspend fun answer(
    id: JsonElement,
    work: suspend () -> Any?,
): JsonObject =
    try {
        json("id" to id, "ok" to work())
    } catch (refused: CuroException) {
        val retryAfter = refused.retryAfter?.inWholeMilliseconds
        val error = json("code" to refused.code.value, "retryable" to refused.retryable, "retry_after_ms" to retryAfter)
        json("id" to id, "error" to error)
    } catch (fault: BadRequest) {
        json("id" to id, "fault" to fault.reason)
    } catch (cancelled: CancellationException) {
        throw cancelled
    } catch (failure: Exception) {
        // Nothing else may come out of the API: the play breaks, and says by what.
        json("id" to id, "fault" to failure.toString())
    }

private fun say(value: JsonObject) {
    val line = "$value\n".toByteArray()
    synchronized(standardOutput) { standardOutput.write(line) }
}
