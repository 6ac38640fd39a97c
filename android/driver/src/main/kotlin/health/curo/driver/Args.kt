package health.curo.driver

import health.curo.DeviceId
import health.curo.MessageId
import health.curo.MessageRef
import health.curo.UserId
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.intOrNull
import kotlinx.serialization.json.longOrNull
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds

/** A request makes no sense: a fault of the runner or of the driver. */
internal class BadRequest(
    val reason: String,
) : Exception(reason)

internal fun bad(reason: String): Nothing = throw BadRequest(reason)

/** Arguments of a request. Those with null count as absent. */
internal class Args(
    private val values: JsonObject,
) {
    private operator fun get(name: String): JsonElement? = values[name].takeIf { it != JsonNull }

    operator fun contains(name: String): Boolean = this[name] != null

    fun string(name: String): String = stringOrNull(name) ?: bad("`$name` must be a string")

    fun stringOrNull(name: String): String? = this[name]?.let { it.asString() ?: bad("`$name` must be a string") }

    fun number(name: String): Long = numberOrNull(name) ?: bad("`$name` must be a whole number")

    fun numberOrNull(name: String): Long? =
        this[name]?.let { value ->
            (value as? JsonPrimitive)?.takeUnless { it.isString }?.longOrNull ?: bad("`$name` must be a whole number")
        }

    fun size(name: String): Int = sizeOrNull(name) ?: bad("`$name` must be a whole number")

    fun sizeOrNull(name: String): Int? =
        numberOrNull(name)?.let { if (it in 0..Int.MAX_VALUE) it.toInt() else bad("`$name` is too large") }

    fun millis(name: String): Duration = number(name).milliseconds

    fun millisOrNull(name: String): Duration? = numberOrNull(name)?.milliseconds

    fun isTrue(name: String): Boolean = this[name] == JsonPrimitive(true)

    fun strings(name: String): List<String> {
        val values = this[name] as? JsonArray ?: bad("`$name` must be a list")
        return values.map { it.asString() ?: bad("`$name` cannot be read") }
    }

    fun users(name: String): List<UserId> = strings(name).map { UserId(it) }

    /** A text: a string, or `{"utf16": [units]}`, which may have lone surrogates, as Kotlin's strings may. */
    fun text(name: String): String {
        val value = this[name]
        value?.asString()?.let { return it }
        val units = (value as? JsonObject)?.get("utf16") as? JsonArray ?: bad("`$name` must be a text")
        val unit = { unit: JsonElement ->
            (unit as? JsonPrimitive)?.intOrNull?.takeIf { it in 0..0xffff } ?: bad("`$name` has no 16-bit units")
        }
        return String(CharArray(units.size) { unit(units[it]).toChar() })
    }

    fun textOrNull(name: String): String? = if (name in this) text(name) else null

    /** A message anywhere: `{"device", "message"}`. */
    fun reference(name: String): MessageRef {
        val of = Args(this[name] as? JsonObject ?: bad("`$name` must be a reference"))
        return MessageRef(DeviceId(of.string("device")), MessageId(of.string("message")))
    }

    fun referenceOrNull(name: String): MessageRef? = if (name in this) reference(name) else null
}

private fun JsonElement.asString(): String? = (this as? JsonPrimitive)?.takeIf { it.isString }?.content
