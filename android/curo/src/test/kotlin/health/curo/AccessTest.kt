package health.curo

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNull
import kotlin.test.assertSame

/** Calls that are made for another reason than treatment. */
class AccessTest {
    @Test
    fun theReasonRidesOnTheHandle() =
        two { pair ->
            val access = AccessContext("ETREAT", role = "resident", reasonCode = "unconscious")
            val emergency = pair.ana.withAccess(access)
            assertNull(pair.ana.access)
            assertNull(pair.anas.access)
            assertSame(access, emergency.access)
            assertSame(access, emergency.conversation(pair.id).access)
            assertSame(access, pair.anas.withAccess(access).access)
            assertEquals(pair.ana.profile, emergency.profile)
            val id = emergency.conversation(pair.id).send("break the glass")
            pair.bens.has { it.id == id }
            assertEquals(
                1,
                pair.anas
                    .withAccess(access)
                    .latest()
                    .items
                    .count { it.entry is Entry.Message },
            )
            // One client, whichever of its handles is closed.
            emergency.close()
            refused(ErrorCode.CLOSED) { pair.ana.conversations() }
        }

    @Test
    fun aReasonThatIsNoneIsRefusedByTheCalls() =
        app {
            val client = alone()
            val reasons =
                listOf(
                    AccessContext("no code"),
                    AccessContext("A".repeat(65)),
                    AccessContext("TREAT", role = "r".repeat(65)),
                    AccessContext("TREAT", onBehalfOf = UserId("no id")),
                )
            for (reason in reasons) {
                refused(ErrorCode.INVALID_ARGUMENT) { client.withAccess(reason).conversations() }
                val conversation = client.conversation(ConversationId("00".repeat(16))).withAccess(reason)
                refused(ErrorCode.INVALID_ARGUMENT) { conversation.info() }
            }
            client.close()
        }

    @Test
    fun whatIsDisclosedIsNotFormatted() {
        val disclosure = Disclosure(CANARY, CANARY, CANARY, CANARY, accountable = true)
        val access = AccessContext("HPAYMT", role = CANARY, disclosure = disclosure)
        assertFalse("$disclosure $access".contains(CANARY))
        assertEquals(
            access,
            AccessContext("HPAYMT", CANARY, disclosure = Disclosure(CANARY, CANARY, CANARY, CANARY, true)),
        )
    }
}
