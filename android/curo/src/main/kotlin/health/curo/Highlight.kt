package health.curo

import java.util.Objects
import health.curo.ffi.Highlight as GeneratedHighlight

/**
 * A part of a snippet: where what was sought stands, in UTF-16 units as Kotlin's strings and Swift's utf16 views count
 * them.
 */
public class Highlight(
    /** Where it begins. */
    public val start: Int,
    /** Where it ends: the first unit after it. */
    public val end: Int,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is Highlight &&
            start == other.start &&
            end == other.end

    override fun hashCode(): Int = Objects.hash(start, end)

    override fun toString(): String = "Highlight(start=$start, end=$end)"
}

internal fun GeneratedHighlight.toPublic(): Highlight = Highlight(start = start.toCount(), end = end.toCount())
