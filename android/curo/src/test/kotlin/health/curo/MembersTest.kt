package health.curo

import kotlinx.coroutines.flow.first
import kotlinx.coroutines.yield
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Who is in a conversation, and what it is about. */
class MembersTest {
    @Test
    fun peopleComeAndGo() =
        two { pair ->
            val subject = person("cleo")
            val cleo = signedIn(subject)
            val user = checkNotNull(cleo.account()).user
            val added = pair.anas.add(listOf(user))
            cleo.conversationList().use { list -> list.states.first { it.items.isNotEmpty() } }
            pair.bens.states.first { it != null && user in it.members }
            while (pair.anas.intent(added) == IntentStatus.Pending) yield()
            assertEquals(IntentStatus.Done, pair.anas.intent(added))
            pair.anas.remove(listOf(user))
            val gone = cleo.conversation(pair.id).states.first { it?.state != ConversationState.ACTIVE }
            assertFalse(user in assertNotNull(gone).members && gone.state == ConversationState.ACTIVE)
            refused(ErrorCode.REMOVED) { cleo.conversation(pair.id).send("still here?") }
            refused(ErrorCode.INVALID_ARGUMENT) { pair.anas.add(emptyList()) }
            pair.bens.leave()
            assertTrue(assertNotNull(pair.bens.states.first { it != null && it.left }).left)
            cleo.close()
        }

    @Test
    fun titleSubjectsRolesAndNamesAreSeenByTheOthersAndNeverFormatted() =
        two { pair ->
            pair.anas.setTitle("$CANARY bed 12")
            pair.anas.bindSubject(Subject("urn:oid:1.2.36.146.595", CANARY))
            val ben = checkNotNull(pair.ben.account()).user
            pair.anas.setRole(ben, "admin")
            pair.ana.setDisplayName("$CANARY Kim")
            assertEquals("$CANARY Kim", pair.ana.displayName())
            val seen =
                assertNotNull(
                    pair.bens.states.first {
                        it?.title != null &&
                            it.subjects.isNotEmpty() &&
                            it.roster.any { member -> member.user == ben && member.role == "admin" } &&
                            it.roster.any { member -> member.name == "$CANARY Kim" }
                    },
                )
            assertEquals("$CANARY bed 12", seen.title)
            assertEquals(Subject("urn:oid:1.2.36.146.595", CANARY), seen.subjects.single())
            assertFalse("$seen ${seen.subjects} ${seen.roster} ${pair.bens.info()}".contains(CANARY))
            pair.anas.unbindSubject(seen.subjects.single())
            pair.bens.states.first { it != null && it.subjects.isEmpty() }
        }

    @Test
    fun thereIsOneDirectConversationOfTwoPeople() =
        two { pair ->
            val ben = checkNotNull(pair.ben.account()).user
            val direct = pair.ana.directConversation(ben)
            assertEquals(direct.id, pair.ana.directConversation(ben).id)
            assertEquals(direct.id, pair.ben.directConversation(checkNotNull(pair.ana.account()).user).id)
            refused(ErrorCode.NOT_DIRECT) { direct.add(listOf(ben)) }
            assertNull(pair.anas.requestReceipts()?.takeIf { it.value.isEmpty() })
        }

    @Test
    fun whatThisDeviceDoesNotHaveIsUnknown() =
        app {
            val client = signedIn(person("ana"))
            val nowhere = client.conversation(ConversationId("00".repeat(16)))
            refused(ErrorCode.UNKNOWN) { nowhere.info() }
            refused(ErrorCode.UNKNOWN) { nowhere.states.first() }
            refused(ErrorCode.UNKNOWN) { nowhere.send("hello?") }
            client.close()
        }
}
