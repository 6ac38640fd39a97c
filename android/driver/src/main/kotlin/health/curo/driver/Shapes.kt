/** How values of the API look in answers. The drivers of all platforms give the same. */
package health.curo.driver

import health.curo.Account
import health.curo.BackgroundOutcome
import health.curo.Body
import health.curo.ConnectionState
import health.curo.ConversationInfo
import health.curo.DeliveryState
import health.curo.Edge
import health.curo.Entry
import health.curo.IntentStatus
import health.curo.Item
import health.curo.Message
import health.curo.MessageRef
import health.curo.OutboxState
import health.curo.ProfileEntry
import health.curo.ProfileOwner
import health.curo.SessionState
import health.curo.Unread
import health.curo.UserId
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive

/** An object of texts, numbers, booleans, lists and null; `Unit` is null. */
internal fun json(vararg values: Pair<String, Any?>): JsonObject =
    JsonObject(values.associate { (name, value) -> name to element(value) })

internal fun element(value: Any?): JsonElement =
    when (value) {
        null, Unit -> JsonNull
        is JsonElement -> value
        is String -> JsonPrimitive(value)
        is Boolean -> JsonPrimitive(value)
        is Number -> JsonPrimitive(value)
        is List<*> -> JsonArray(value.map(::element))
        else -> error("no JSON: ${value::class}")
    }

internal fun List<UserId>.shape(): List<String> = map { it.value }

internal fun MessageRef.shape(): JsonObject = json("device" to sender.value, "message" to message.value)

internal fun Account.shape(): JsonObject = json("user" to user.value, "device" to device.value)

internal fun OutboxState.shape(): JsonObject = json("waiting" to waiting, "failed" to failed)

internal fun Unread.shape(): JsonObject = json("messages" to messages, "conversations" to conversations)

internal fun SessionState.shape(): JsonObject = json("state" to name.lowercase())

internal fun ConnectionState.shape(): JsonObject =
    when (this) {
        ConnectionState.Stopped -> state("stopped")
        ConnectionState.CatchingUp -> state("catching_up")
        ConnectionState.Live -> state("live")
        is ConnectionState.Waiting -> state("waiting", code.value)
        ConnectionState.SignInNeeded -> state("sign_in_needed")
        is ConnectionState.Failed -> state("failed", code.value)
        ConnectionState.Other -> state("other")
    }

internal fun IntentStatus.shape(): JsonObject =
    when (this) {
        IntentStatus.Pending -> state("pending")
        IntentStatus.Done -> state("done")
        is IntentStatus.Failed -> state("failed", failure.code.value)
        IntentStatus.Other -> state("other")
    }

private fun state(
    name: String,
    code: String? = null,
): JsonObject = json("state" to name, "code" to code)

/** As apps would show it: `delivered 1/2`, `failed (removed)`. */
internal fun DeliveryState.shape(): String =
    when (this) {
        DeliveryState.Queued -> "queued"
        DeliveryState.Sent -> "sent"
        is DeliveryState.Delivered -> "delivered $by/$of"
        is DeliveryState.Read -> "read $by/$of"
        is DeliveryState.Failed -> "failed (${failure.code})"
        DeliveryState.Other -> "other"
    }

internal fun Edge.shape(): String =
    when (this) {
        Edge.End -> "end"
        Edge.More -> "more"
        Edge.Loading -> "loading"
        is Edge.Failed -> "failed"
    }

internal fun ConversationInfo.shape(): JsonObject =
    json(
        "conversation" to id.value,
        "title" to title,
        "subjects" to subjects.map { json("system" to it.system, "value" to it.value) },
        "roster" to
            roster.map {
                json("user" to it.user.value, "role" to it.role, "name" to it.name, "mandatory" to it.mandatory)
            },
        "members" to members.shape(),
        "frozen" to frozen?.value,
        "left" to left,
        "purged" to purged,
        "behind" to behind,
    )

/** An item; on a timeline it has more. */
internal fun Item.shape(vararg more: Pair<String, Any?>): JsonObject =
    json(*entry.shape(), "accepted_ms" to acceptedAt?.toEpochMilli(), *more)

private fun Entry.shape(): Array<Pair<String, Any?>> =
    when (this) {
        is Entry.Message -> message.shape()
        is Entry.Members ->
            arrayOf(
                "kind" to "members",
                "by" to by?.value,
                "added" to added.shape(),
                "removed" to removed.shape(),
                "left" to left.shape(),
            )
        is Entry.About -> arrayOf("kind" to "about", "by" to change.by?.value, "title" to change.title)
        Entry.Joined -> arrayOf("kind" to "joined")
        is Entry.Gap -> arrayOf("kind" to "gap")
        is Entry.Incarnation -> arrayOf("kind" to "incarnation", "number" to number)
        is Entry.Unreadable -> arrayOf("kind" to "unreadable", "code" to code.value)
        Entry.ContentLost -> arrayOf("kind" to "content_lost")
        Entry.Other -> arrayOf("kind" to "other")
    }

private fun Message.shape(): Array<Pair<String, Any?>> {
    val (kind, text) =
        when (val body = body) {
            is Body.Text -> "text" to body.text
            is Body.Amendment -> "amendment" to body.text
            Body.Deleted -> "deleted" to null
            Body.Unsupported -> "unsupported" to null
        }
    return arrayOf(
        "kind" to "message",
        "message" to id.value,
        "device" to senderDevice.value,
        "sender" to sender.value,
        "own" to own,
        "body" to kind,
        "text" to text,
        "delivery" to delivery?.shape(),
        "edited" to edited,
        "priority" to priority.name.lowercase(),
        "mentions" to mentions.shape(),
        "reply_to" to replyTo?.message?.shape(),
        "thread" to thread?.shape(),
        "thread_count" to threadCount,
        "reactions" to reactions.map { json("emoji" to it.emoji, "users" to it.users.shape(), "own" to it.own) },
        "acknowledged_by" to acknowledgedBy.shape(),
        "claimed_ms" to claimedAt?.toEpochMilli(),
    )
}

internal fun BackgroundOutcome.shape(): JsonObject =
    json(
        "complete" to complete,
        "code" to code?.value,
        "new_messages" to newMessages,
        "conversations" to conversations.map { it.value },
        "waiting" to waiting,
    )

internal fun ProfileEntry.shape(): JsonObject {
    val of = owner
    val (name, person) =
        when (of) {
            is ProfileOwner.Account -> "account" to of
            ProfileOwner.Nobody -> "nobody" to null
            is ProfileOwner.Hidden -> "hidden" to null
            ProfileOwner.Lost -> "lost" to null
            ProfileOwner.Other -> "other" to null
        }
    val user = person?.account?.user?.value
    return json("profile" to profile.value, "owner" to name, "user" to user, "label" to person?.label)
}
