/** What concerns one message. */
package health.curo.driver

import health.curo.Conversation
import health.curo.MessageId
import health.curo.NewMessage
import health.curo.Priority

internal suspend fun Conversation.ofMessage(
    verb: String,
    args: Args,
): Any? =
    when (verb) {
        "send" -> json("message" to send(newMessage(args), MessageId(args.string("message"))).value)
        "amend" -> {
            val id = MessageId(args.string("message"))
            json("message" to amend(args.reference("of"), args.text("text"), id).value)
        }
        "edit" -> named(edit(args.reference("message"), args.text("text")))
        "delete" -> named(delete(args.reference("message")))
        "react" -> named(react(args.reference("message"), args.string("emoji")))
        "unreact" -> named(unreact(args.reference("message"), args.string("emoji")))
        "acknowledge" -> named(acknowledge(args.reference("message")))
        "mark_read" -> markRead(args.reference("message"))
        "message" -> message(args.reference("message"))?.shape()
        "delivery" -> delivery(MessageId(args.string("message"))).shape()
        "receipts" ->
            receipts(args.reference("message")).map {
                json("user" to it.user.value, "delivered" to it.delivered, "read" to it.read)
            }
        "purge" -> purge(args.reference("message")).let { json("by" to it.by, "of" to it.of) }
        else -> NoVerb
    }

private fun newMessage(args: Args) =
    NewMessage(
        text = args.text("text"),
        mentions = if ("mentions" in args) args.users("mentions") else emptyList(),
        priority =
            when (args.stringOrNull("priority")) {
                null, "routine" -> Priority.ROUTINE
                "urgent" -> Priority.URGENT
                "stat" -> Priority.STAT
                else -> bad("`priority` is routine, urgent or stat")
            },
        replyTo = args.referenceOrNull("reply_to"),
        thread = args.referenceOrNull("thread"),
    )
