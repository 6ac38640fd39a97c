package health.curo

import health.curo.ffi.ConversationState as GeneratedConversationState

/** What can be done with a conversation. */
public enum class ConversationState {
    /** This device has asked for it; the relay has not accepted it yet. */
    CREATING,

    /** Somebody else has created it first; its Welcome will come. */
    WAITING,

    /** This device is a member. */
    ACTIVE,

    /** This device was removed; what it has stays readable. */
    REMOVED,

    /** It cannot go on here; the code beside it says why. */
    FROZEN,
}

internal fun GeneratedConversationState.toPublic(): ConversationState =
    when (this) {
        GeneratedConversationState.CREATING -> ConversationState.CREATING
        GeneratedConversationState.WAITING -> ConversationState.WAITING
        GeneratedConversationState.ACTIVE -> ConversationState.ACTIVE
        GeneratedConversationState.REMOVED -> ConversationState.REMOVED
        GeneratedConversationState.FROZEN -> ConversationState.FROZEN
    }
