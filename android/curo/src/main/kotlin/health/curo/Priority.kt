package health.curo

import health.curo.ffi.Priority as GeneratedPriority

/** How soon a message wants to be seen. */
public enum class Priority {
    /** As any message. */
    ROUTINE,

    /** Soon. Readers are asked to acknowledge it. */
    URGENT,

    /** At once. Readers are asked to acknowledge it. */
    STAT,
}

internal fun Priority.toGenerated(): GeneratedPriority =
    when (this) {
        Priority.ROUTINE -> GeneratedPriority.ROUTINE
        Priority.URGENT -> GeneratedPriority.URGENT
        Priority.STAT -> GeneratedPriority.STAT
    }

internal fun GeneratedPriority.toPublic(): Priority =
    when (this) {
        GeneratedPriority.ROUTINE -> Priority.ROUTINE
        GeneratedPriority.URGENT -> Priority.URGENT
        GeneratedPriority.STAT -> Priority.STAT
    }
