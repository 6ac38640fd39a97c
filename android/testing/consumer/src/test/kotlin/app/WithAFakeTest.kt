package app

import health.curo.Client
import health.curo.CuroException
import health.curo.ErrorCode
import health.curo.UserId
import health.curo.testing.FakeClient
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlin.test.Test
import kotlin.test.assertEquals

/** What an app would test: its own logic, here that a reply is offered again when it cannot be kept. */
class WithAFakeTest {
    private suspend fun reply(client: Client): String {
        val row = client.conversationList().use { it.states.first() }.items.first { it.row.unread > 0 }
        return try {
            client.conversation(row.id).send("On my way")
            "kept"
        } catch (failure: CuroException) {
            "not kept: ${failure.code}"
        }
    }

    @Test
    fun aReplyThatCannotBeKeptIsSaid(): Unit =
        runBlocking {
            val client = FakeClient()
            val ward = client.addConversation(listOf(UserId("lee")), "Ward 4")
            ward.receive("BP 180/110", from = UserId("lee"))
            client.calls.failNext("send", CuroException(ErrorCode.STORAGE_FULL))
            assertEquals("not kept: storage_full", reply(client))
            assertEquals("kept", reply(client))
            assertEquals(2, ward.messages.size)
        }
}
