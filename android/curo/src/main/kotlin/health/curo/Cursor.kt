package health.curo

/** An opaque place in a timeline, from which pages go on. */
@JvmInline
public value class Cursor(
    /** As text. */
    public val value: String,
) {
    /** Only its name: it is of use to nobody but the call that it is given to. */
    override fun toString(): String = "Cursor(…)"
}
