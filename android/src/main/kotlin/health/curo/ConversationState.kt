package health.curo

import health.curo.ffi.ConversationState as GeneratedConversationState

/** What can be done with a conversation. */
public enum class ConversationState {
}

internal fun GeneratedConversationState.toPublic(): ConversationState =
    when (this) {
    }
