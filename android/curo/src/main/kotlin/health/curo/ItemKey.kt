package health.curo

/** What names an item of a conversation for life. */
@JvmInline
public value class ItemKey(
    /** As text. */
    public val value: String,
) {
    override fun toString(): String = value
}
