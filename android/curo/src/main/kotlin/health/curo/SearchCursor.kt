package health.curo

/** An opaque place in what a search has found, from which it goes on. */
@JvmInline
public value class SearchCursor(
    /** As text. */
    public val value: String,
) {
    /** Only its name: it is of use to nobody but the call that it is given to. */
    override fun toString(): String = "SearchCursor(…)"
}
