package health.curo

import health.curo.ffi.OnUnsent as GeneratedOnUnsent

/** What a sign-out does with what is not sent yet. */
public enum class OnUnsent {
    /** Stays signed in and says what there is. */
    KEEP,

    /** Signs out; what is not sent is lost. */
    DISCARD,
}

internal fun OnUnsent.toGenerated(): GeneratedOnUnsent =
    when (this) {
        OnUnsent.KEEP -> GeneratedOnUnsent.KEEP
        OnUnsent.DISCARD -> GeneratedOnUnsent.DISCARD
    }
