package health.curo.testing

import health.curo.Cursor
import health.curo.DeliveryState
import health.curo.ErrorCode
import health.curo.Failure
import health.curo.Highlight
import health.curo.Hit
import health.curo.Item
import health.curo.MessageRef
import health.curo.Page
import health.curo.SearchCursor
import health.curo.SearchPage

// Pages and searches over what a fake has.

/** The most people that can be added at a time. */
internal const val MOST_PEOPLE = 250

private const val MOST_HITS = 100
private const val LONGEST_QUERY = 256
private const val SNIPPET = 240

internal val cancelled = Failure(ErrorCode.CANCELLED, retryable = false, retryAfter = null)

internal val DeliveryState?.waits: Boolean get() = this == DeliveryState.Queued || this is DeliveryState.Failed

internal fun Stored.all(): List<Item> = items.map { it.item }

internal fun Stored.inThread(root: MessageRef): List<Item> = all().filter { it.message?.thread == root }

internal fun List<Item>.before(
    cursor: Cursor,
    limit: Int,
    stored: Stored,
): Page = place(cursor).let { at -> stored.page(this, maxOf(0, at - within(limit)), at) }

internal fun List<Item>.after(
    cursor: Cursor,
    limit: Int,
    stored: Stored,
): Page = (place(cursor) + 1).let { at -> stored.page(this, at, minOf(size, at + within(limit))) }

private fun List<Item>.place(cursor: Cursor): Int =
    indexOfFirst { it.cursor == cursor }.also { if (it < 0) refuse(ErrorCode.INVALID_ARGUMENT) }

/** Messages with words that begin with those of the query, whatever the case; the newest first. */
internal fun search(
    conversations: Collection<Stored>,
    query: String,
    after: SearchCursor?,
    limit: Int,
): SearchPage {
    if (query.toByteArray().size > LONGEST_QUERY) refuse(ErrorCode.INVALID_ARGUMENT)
    val most = within(limit, MOST_HITS)
    val words = query.split(NO_WORD).filter { it.isNotEmpty() }
    val hits =
        conversations
            .flatMap { stored -> stored.all().mapNotNull { hit(stored, it, words) } }
            .sortedByDescending { it.acceptedAt }
    val from = after?.value?.toIntOrNull() ?: 0
    val to = minOf(hits.size, from + most)
    return SearchPage(hits.subList(minOf(from, to), to), SearchCursor("$to").takeIf { to < hits.size })
}

private fun hit(
    stored: Stored,
    item: Item,
    words: List<String>,
): Hit? {
    val message = item.message ?: return null
    val text = message.text ?: return null
    val found =
        WORD
            .findAll(text)
            .filter { word ->
                words.any { word.value.startsWith(it, ignoreCase = true) }
            }.toList()
    val all = words.all { wanted -> found.any { it.value.startsWith(wanted, ignoreCase = true) } }
    if (words.isEmpty() || !all) return null
    return Hit(
        conversation = stored.info.id,
        message = message.reference,
        cursor = item.cursor,
        sender = message.sender,
        acceptedAt = item.acceptedAt,
        snippet = text.take(SNIPPET),
        highlights = found.filter { it.range.last < SNIPPET }.map { Highlight(it.range.first, it.range.last + 1) },
    )
}

private val WORD = Regex("""[\p{L}\p{N}]+""")
private val NO_WORD = Regex("""[^\p{L}\p{N}]+""")
