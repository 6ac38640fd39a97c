package health.curo

import java.time.Instant
import java.util.Objects
import health.curo.ffi.SavedDraft as GeneratedSavedDraft

/** What somebody has begun to write. */
public class SavedDraft(
    /** The text. */
    public val text: String,
    /** When it was saved. */
    public val savedAt: Instant,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is SavedDraft &&
            text == other.text &&
            savedAt == other.savedAt

    override fun hashCode(): Int = Objects.hash(text, savedAt)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String = "SavedDraft(…)"
}

internal fun GeneratedSavedDraft.toPublic(): SavedDraft =
    SavedDraft(text = text, savedAt = Instant.ofEpochMilli(savedMs))
