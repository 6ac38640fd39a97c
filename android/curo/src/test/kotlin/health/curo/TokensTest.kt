package health.curo

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** Providers that have no token, or break. */
class TokensTest {
    @Test
    fun whateverAProviderThrowsIsNoTokenAndItsTextIsDropped() =
        app {
            val broken =
                listOf<() -> String?>(
                    { null },
                    { error(CANARY) },
                    { throw StackOverflowError(CANARY) },
                    { throw kotlinx.coroutines.CancellationException(CANARY) },
                )
            for (answer in broken) {
                Client.open(here(), MemoryVault()) { answer() }.use { client ->
                    val error = refused(ErrorCode.SIGN_IN_NEEDED) { client.signIn() }
                    assertFalse(error.stackTraceToString().contains(CANARY))
                    assertEquals(SessionState.SIGN_IN_NEEDED, client.session.value)
                    assertEquals(null, client.account())
                    refused(ErrorCode.SIGN_IN_NEEDED) { client.start() }
                }
            }
        }

    @Test
    fun aProviderMayCallTheClientAndIsToldWhyItIsAsked() =
        app {
            val subject = person("ana")
            val reasons = mutableListOf<TokenReason>()
            var client: Client? = null
            val provider =
                TokenProvider { reason ->
                    reasons += reason
                    client?.diagnostics()
                    relay.token(subject)
                }
            client = Client.open(here(), MemoryVault(), provider)
            client.signIn()
            assertTrue(reasons.isNotEmpty())
            assertFalse(TokenReason.REFUSED in reasons, "$reasons")
            client.close()
        }

    @Test
    fun textThatIsNoTokenIsRefusedByTheRelay() =
        app {
            Client.open(here(), MemoryVault()) { "\uD83D$CANARY" }.use { client ->
                val error = refused(ErrorCode.SIGN_IN_NEEDED) { client.signIn() }
                assertFalse(error.stackTraceToString().contains(CANARY))
            }
        }
}
