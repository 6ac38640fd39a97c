package health.curo

import java.util.Objects
import health.curo.ffi.LogField as GeneratedLogField

/** One named value of a record. */
public class LogField(
    /** Its name. */
    public val name: String,
    /** Its value. */
    public val value: LogValue,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is LogField &&
            name == other.name &&
            value == other.value

    override fun hashCode(): Int = Objects.hash(name, value)

    override fun toString(): String = "LogField(name=$name, value=$value)"
}

internal fun GeneratedLogField.toPublic(): LogField = LogField(name = name, value = value.toPublic())
