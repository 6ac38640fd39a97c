package health.curo

import java.util.Objects
import health.curo.ffi.Body as GeneratedBody

/** What a message says. */
public sealed interface Body {
    /** Text. */
    public class Text(
        /** Which. */
        public val text: String,
    ) : Body {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Text &&
                text == other.text

        override fun hashCode(): Int = text.hashCode()

        /** Says nothing of what people wrote, and no names and times. */
        override fun toString(): String = "Text(…)"
    }

    /** A record that amends another; the original stands unchanged beside it (45 CFR 164.526). */
    public class Amendment(
        /** The original. */
        public val of: MessageRef,
        /** What it says. */
        public val text: String,
    ) : Body {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Amendment &&
                of == other.of &&
                text == other.text

        override fun hashCode(): Int = Objects.hash(of, text)

        /** Says nothing of what people wrote, and no names and times. */
        override fun toString(): String = "Amendment(of=$of, …)"
    }

    /** It was deleted: nothing of it is left here. */
    public data object Deleted : Body

    /** A kind of content that this version does not know, or that cannot be read. It is kept. */
    public data object Unsupported : Body
}

internal fun GeneratedBody.toPublic(): Body =
    when (this) {
        is GeneratedBody.Text -> Body.Text(text)
        is GeneratedBody.Amendment -> Body.Amendment(of.toPublic(), text)
        GeneratedBody.Deleted -> Body.Deleted
        GeneratedBody.Unsupported -> Body.Unsupported
    }
