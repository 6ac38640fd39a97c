package health.curo

import health.curo.ffi.TokenReply
import kotlin.time.Duration.Companion.seconds
import health.curo.ffi.TokenProvider as GeneratedTokenProvider
import health.curo.ffi.TokenReason as GeneratedTokenReason

/** Where access tokens come from. The app implements it. */
public fun interface TokenProvider {
    /**
     * An access token (RFC 9068) for the relay's audience, as the identity provider issued it; null where only the user
     * can help. May take 30 seconds, on any thread. Whatever it throws counts as having no token, and its text is dropped.
     */
    public suspend fun token(reason: TokenReason): String?
}

private val TOKEN_LIMIT = 30.seconds

/** A token provider of the app, as the library asks it. */
internal class TokenAdapter(
    private val tokens: TokenProvider,
) : GeneratedTokenProvider {
    override fun token(
        reason: GeneratedTokenReason,
        reply: TokenReply,
    ): Unit =
        answer(TOKEN_LIMIT, reply, { reply.fail() }) {
            val token = tokens.token(reason.toPublic())
            if (token == null) reply.fail() else reply.complete(token.wellFormed())
        }
}
