package health.curo

import java.util.Objects
import health.curo.ffi.CreateOptions as GeneratedCreateOptions

/** What a new conversation is to be about. */
public class CreateOptions(
    /** Its title; empty for none. */
    public val title: String = "",
    /** The patients and others that it is about. */
    public val subjects: List<Subject> = emptyList(),
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is CreateOptions &&
            title == other.title &&
            subjects == other.subjects

    override fun hashCode(): Int = Objects.hash(title, subjects)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String = "CreateOptions(subjects=${subjects.size}, …)"
}

internal fun CreateOptions.toGenerated(): GeneratedCreateOptions =
    GeneratedCreateOptions(title = title.wellFormed(), subjects = subjects.map { it.toGenerated() })
