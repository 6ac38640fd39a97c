package health.curo

import java.util.Objects
import health.curo.ffi.Subject as GeneratedSubject

/** An identifier of a patient or another subject in an outside system, as in a FHIR Identifier. */
public class Subject(
    /** The naming system, a URI. */
    public val system: String,
    /** The value in that system. */
    public val value: String,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is Subject &&
            system == other.system &&
            value == other.value

    override fun hashCode(): Int = Objects.hash(system, value)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String = "Subject(…)"
}

internal fun GeneratedSubject.toPublic(): Subject = Subject(system = system, value = value)

internal fun Subject.toGenerated(): GeneratedSubject =
    GeneratedSubject(system = system.wellFormed(), value = value.wellFormed())
