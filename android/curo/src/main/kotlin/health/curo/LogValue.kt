package health.curo

import health.curo.ffi.LogValue as GeneratedLogValue

/** A value of a record. */
public sealed interface LogValue {
    /** Yes or no. */
    public class Bool(
        /** Which. */
        public val value: Boolean,
    ) : LogValue {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Bool &&
                value == other.value

        override fun hashCode(): Int = value.hashCode()

        override fun toString(): String = "Bool(value=$value)"
    }

    /** A number. */
    public class Number(
        /** Which. */
        public val value: Long,
    ) : LogValue {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Number &&
                value == other.value

        override fun hashCode(): Int = value.hashCode()

        override fun toString(): String = "Number(value=$value)"
    }

    /** A random id, an error code or a name that stands in the library's own code. */
    public class Name(
        /** As text. */
        public val value: String,
    ) : LogValue {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Name &&
                value == other.value

        override fun hashCode(): Int = value.hashCode()

        override fun toString(): String = "Name(value=$value)"
    }
}

internal fun GeneratedLogValue.toPublic(): LogValue =
    when (this) {
        is GeneratedLogValue.Bool -> LogValue.Bool(value)
        is GeneratedLogValue.Number -> LogValue.Number(value)
        is GeneratedLogValue.Name -> LogValue.Name(value)
    }
