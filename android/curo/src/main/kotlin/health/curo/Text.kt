package health.curo

private const val REPLACEMENT = '\uFFFD'

/**
 * The text with U+FFFD for each half of a surrogate pair that stands alone, as it is left when a string is cut inside an
 * emoji. Such text cannot be written as UTF-8. Well-formed text is returned as it is.
 */
internal fun String.wellFormed(): String {
    if (indices.none(::isLone)) return this
    return String(CharArray(length) { if (isLone(it)) REPLACEMENT else this[it] })
}

private fun String.isLone(index: Int): Boolean {
    val unit = this[index]
    return when {
        unit.isHighSurrogate() -> index + 1 == length || !this[index + 1].isLowSurrogate()
        unit.isLowSurrogate() -> index == 0 || !this[index - 1].isHighSurrogate()
        else -> false
    }
}

/** A count as Kotlin's collections have it. */
internal fun Long.toCount(): Int = coerceIn(0L, Int.MAX_VALUE.toLong()).toInt()
