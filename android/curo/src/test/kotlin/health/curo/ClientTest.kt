package health.curo

import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** Throws what is no `Exception`, with a text that must not be seen anywhere. */
private class BrokenVault : KeyVault {
    override val mode = VaultMode.BACKGROUND

    override suspend fun loadKey(profile: ProfileId): StoreKey = throw StackOverflowError(CANARY)

    override suspend fun createKey(profile: ProfileId): StoreKey = throw NotImplementedError(CANARY)

    override suspend fun destroyKey(profile: ProfileId): Unit = throw AssertionError(CANARY)
}

/** The hand-written library with the host's library and a real relay: opening, states, texts, errors. */
class ClientTest {
    @Test
    fun statesGoOnUntilTheEnd() =
        app {
            val client = alone()
            assertEquals(SessionState.SIGN_IN_NEEDED, client.session.value)
            assertEquals(ConnectionState.Stopped, client.connection.value)
            assertEquals(OutboxState(0, 0), client.outbox.value)
            assertEquals(Unread(0, 0), client.unread.value)
            assertEquals(emptyList(), client.waiting.value)
            val list = client.conversationList()
            refused(ErrorCode.SIGN_IN_NEEDED) { list.states.first() }
            list.close()
            client.close()
            client.close()
            assertEquals(SessionState.CLOSED, client.session.value)
            refused(ErrorCode.CLOSED) { client.search("x") }
        }

    @Test
    fun aListEndsWithItsClient() =
        app {
            val client = signedIn(person("ana"))
            client.connection.first { it == ConnectionState.Live }
            val list = client.conversationList()
            assertEquals(emptyList(), list.states.first().items)
            val seen = async { list.states.toList() }
            client.close()
            seen.await()
            assertEquals(emptyList(), list.states.toList())
            list.close()
        }

    @Test
    fun theFailuresOfAVaultHaveTheirCodes() =
        app {
            val broken = refused(ErrorCode.VAULT_NOT_READY) { alone(BrokenVault()) }
            assertFalse(broken.stackTraceToString().contains(CANARY))
            val codes =
                mapOf(
                    VaultFailure.NOT_READY to ErrorCode.VAULT_NOT_READY,
                    VaultFailure.USER_AUTH_NEEDED to ErrorCode.VAULT_USER_AUTH_NEEDED,
                    VaultFailure.INVALIDATED to ErrorCode.STORE_MISSING,
                    VaultFailure.MISSING to ErrorCode.STORE_MISSING,
                )
            assertEquals(VaultFailure.entries.toSet(), codes.keys)
            val root = folder()
            val keys = MemoryVault()
            alone(keys, root).close()
            for ((failure, code) in codes) {
                val failing =
                    object : KeyVault by keys {
                        override suspend fun loadKey(profile: ProfileId): StoreKey = throw VaultException(failure)
                    }
                refused(code) { alone(failing, root) }
            }
            alone(keys, root).close()
        }

    @Test
    fun aLoneSurrogateIsReplacedWhereverItComesIn() =
        two { pair ->
            assertEquals("a\uFFFDb\uD83D\uDE91\uFFFD", "a\uDE91b\uD83D\uDE91\uD83D".wellFormed())
            assertEquals(emptyList(), pair.ana.search("\uD83D").hits)
            refused(ErrorCode.INVALID_ARGUMENT) { pair.ana.conversation(ConversationId("\uD83D")).info() }
            val sent = pair.anaSays("half \uDE91")
            assertEquals("half \uFFFD", pair.bens.has { it.reference == sent }.text)
            pair.anas.edit(sent, "\uD83D and \uD83D\uDE91")
            assertEquals("\uFFFD and \uD83D\uDE91", pair.bens.has { it.edited }.text)
            pair.anas.setTitle("\uDE91")
            pair.bens.states.first { it?.title == "\uFFFD" }
            assertEquals(emptyList(), pair.ana.findPeople(listOf("\uD83D")))
        }

    @Test
    fun aMessageGoesFromOneToTheOther() =
        two { pair ->
            val text = "$CANARY \u05E9\u05DC\u05D5\u05DD \uD83D\uDE91"
            val id = MessageId.random()
            // The same id is the same message, whatever is said with it later.
            repeat(3) { assertEquals(id, pair.anas.send(text, id)) }
            assertEquals(id, pair.anas.send("something else", id))
            pair.ben.unread.first { it.messages == 1 }
            pair.bens.timeline(Start.Newest).use { screen ->
                val shown = screen.states.first { it.messages().isNotEmpty() }
                assertEquals(listOf(text), shown.messages().map { it.text })
                assertFalse("$shown ${shown.items} ${pair.bens.latest()}".contains(CANARY))
                assertEquals(shown.items, screen.states.first().items)
            }
            val row =
                pair.ben.conversationList().use { list ->
                    list.states.first {
                        it.items
                            .single()
                            .row.unread == 1
                    }
                }
            assertFalse("$row ${row.items}".contains(CANARY))
            assertEquals(OutboxState(0, 0), pair.ana.settled())
        }

    @Test
    fun offlineIsToldAndCanBeTriedAgain() =
        app {
            alone().use { client ->
                assertTrue(refused(ErrorCode.SIGN_IN_NEEDED) { client.signIn() }.code == ErrorCode.SIGN_IN_NEEDED)
            }
            Client.open(nowhere(), MemoryVault()) { relay.token("x") }.use { client ->
                assertTrue(refused(ErrorCode.OFFLINE) { client.signIn() }.retryable)
            }
        }

    @Test
    fun everyCodeOfTheLibraryHasAName() =
        app {
            val names =
                ErrorCode.Companion::class.java.methods
                    .filter { it.name.startsWith("get") && it.returnType == String::class.java }
                    .map { it.invoke(ErrorCode.Companion) as String }
            assertEquals(
                health.curo.ffi
                    .knownErrorCodes()
                    .map { it.code }
                    .toSet(),
                names.toSet(),
            )
        }
}
