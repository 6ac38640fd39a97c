package health.curo

import java.util.Objects
import health.curo.ffi.SearchPage as GeneratedSearchPage

/** One page of what a search has found. */
public class SearchPage(
    /** What was found, the newest first. */
    public val hits: List<Hit>,
    /** Goes on to older ones; none if there are none. */
    public val next: SearchCursor?,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is SearchPage &&
            hits == other.hits &&
            next == other.next

    override fun hashCode(): Int = Objects.hash(hits, next)

    override fun toString(): String = "SearchPage(hits=${hits.size}, next=$next)"
}

internal fun GeneratedSearchPage.toPublic(): SearchPage =
    SearchPage(hits = hits.map { it.toPublic() }, next = next?.let { SearchCursor(it) })
