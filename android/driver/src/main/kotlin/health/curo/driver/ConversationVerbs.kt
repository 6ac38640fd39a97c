/** What concerns a conversation as a whole, and reading it in pages. */
package health.curo.driver

import health.curo.Conversation
import health.curo.IntentId
import health.curo.Page
import health.curo.SearchCursor
import health.curo.SearchPage
import health.curo.Subject
import health.curo.UserId

internal suspend fun Conversation.perform(
    app: App,
    verb: String,
    args: Args,
): Any? =
    when (verb) {
        "info" -> info().shape()
        "add" -> named(add(args.users("people")))
        "remove" -> named(remove(args.users("people")))
        "leave" -> leave()
        "rejoin" -> rejoin()
        "renew_keys" -> named(renewKeys())
        "set_title" -> named(setTitle(args.text("title")))
        "bind_subject" -> named(bindSubject(subject(args)))
        "unbind_subject" -> named(unbindSubject(subject(args)))
        "set_role" -> named(setRole(UserId(args.string("person")), args.string("role")))
        "intent" -> intent(IntentId(args.string("intent"))).shape()
        "retry" -> retry(IntentId(args.string("intent")))
        "cancel" -> json("cancelled" to cancel(IntentId(args.string("intent"))))
        "set_draft" -> setDraft(args.text("text"))
        "draft" -> draft()?.text
        "mute" -> mute()
        "unmute" -> unmute()
        "unread" -> unread()
        "request_receipts" -> requestReceipts()?.value
        "page" -> page(app, args)
        "thread" -> thread(args.reference("message"), args.size("limit")).shape(app)
        "search" -> search(args, app, ::search)
        else -> NoVerb
    }

internal fun named(intent: IntentId?): Any = json("intent" to intent?.value)

private fun subject(args: Args) = Subject(args.string("system"), args.string("value"))

private suspend fun Conversation.page(
    app: App,
    args: Args,
): Any {
    val limit = args.size("limit")
    val (before, after) = listOf("before", "after").map { name -> app.place(args, name)?.inPages(name) }
    return when {
        before != null && after != null -> bad("`before` and `after` exclude each other")
        before != null -> before(before, limit)
        after != null -> after(after, limit)
        else -> latest(limit)
    }.shape(app)
}

private fun Place.inPages(name: String) = (this as? Place.InPages)?.cursor ?: bad("`$name` is a place in a search")

private fun Page.shape(app: App): Any =
    json(
        "items" to items.map { it.shape() },
        "older" to app.keep(older?.let(Place::InPages)),
        "newer" to app.keep(newer?.let(Place::InPages)),
    )

/** A search, in one conversation or in all. */
internal suspend fun search(
    args: Args,
    app: App,
    find: suspend (String, SearchCursor?, Int) -> SearchPage,
): Any {
    val after = app.place(args, "after")?.let { (it as? Place.InSearch)?.cursor ?: bad("`after` is a place in pages") }
    val page = find(args.string("words"), after, args.size("limit"))
    val hits =
        page.hits.map {
            json("conversation" to it.conversation.value, "message" to it.message.shape(), "snippet" to it.snippet)
        }
    return json("hits" to hits, "next" to app.keep(page.next?.let(Place::InSearch)))
}
