package health.curo

import java.util.Objects
import health.curo.ffi.ProfileOwner as GeneratedProfileOwner

/** Whose a profile is. */
public sealed interface ProfileOwner {
    /** A person's. */
    public class Account(
        /** Who. */
        public val account: health.curo.Account,
        /** What the app has called it. */
        public val label: String?,
    ) : ProfileOwner {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Account &&
                account == other.account &&
                label == other.label

        override fun hashCode(): Int = Objects.hash(account, label)

        /** Says nothing of what people wrote, and no names and times. */
        override fun toString(): String = "Account(account=$account, …)"
    }

    /** Nobody has signed in yet. */
    public data object Nobody : ProfileOwner

    /** The vault does not say now. */
    public class Hidden(
        /** Why, as an error code. */
        public val code: ErrorCode,
    ) : ProfileOwner {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Hidden &&
                code == other.code

        override fun hashCode(): Int = code.hashCode()

        override fun toString(): String = "Hidden(code=$code)"
    }

    /** Its key is gone: nothing can be read any more. Erase it. */
    public data object Lost : ProfileOwner

    /** Something of a later version. */
    public data object Other : ProfileOwner
}

internal fun GeneratedProfileOwner.toPublic(): ProfileOwner =
    when (this) {
        is GeneratedProfileOwner.Person -> ProfileOwner.Account(account.toPublic(), label)
        GeneratedProfileOwner.Nobody -> ProfileOwner.Nobody
        is GeneratedProfileOwner.Hidden -> ProfileOwner.Hidden(ErrorCode(code))
        GeneratedProfileOwner.Lost -> ProfileOwner.Lost
        GeneratedProfileOwner.Other -> ProfileOwner.Other
    }
