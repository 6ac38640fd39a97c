package health.curo.testing

import health.curo.TokenProvider
import health.curo.TokenReason
import java.util.Collections

/** Gives the same token whenever it is asked; null stands for a person who must sign in. */
public class StaticTokens(
    /** What it gives. */
    @Volatile public var token: String?,
) : TokenProvider {
    private val asked = Collections.synchronizedList(mutableListOf<TokenReason>())

    /** Why it was asked until now, in order. */
    public val reasons: List<TokenReason> get() = synchronized(asked) { asked.toList() }

    override suspend fun token(reason: TokenReason): String? {
        asked += reason
        return token
    }
}
