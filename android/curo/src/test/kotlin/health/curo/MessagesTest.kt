package health.curo

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertIs
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** What is done to messages, and what becomes of it on the other side. */
class MessagesTest {
    @Test
    fun anEditShowsOnBothSides() =
        two { pair ->
            val sent = pair.anaSays("BP 118/76")
            pair.anas.edit(sent, "BP 120/80")
            val edited = pair.bens.has { it.edited }
            assertEquals("BP 120/80", edited.text)
            assertEquals(sent, edited.reference)
            assertNotNull(edited.editedAt)
            // Only the author may.
            refused(ErrorCode.FORBIDDEN) { pair.bens.edit(sent, "BP 200/100") }
        }

    @Test
    fun aDeletedMessageIsPurgedOnBothSides() =
        two { pair ->
            val sent = pair.anaSays(CANARY)
            pair.anas.delete(sent)
            pair.bens.has { it.body == Body.Deleted }
            pair.anas.has { it.body == Body.Deleted }
            pair.anas.has { it.id == sent.message && it.unsentChange == null }
            val purge = pair.anas.purge(sent)
            assertTrue(purge.of >= 1, "$purge")
            assertFalse("$purge".contains(CANARY))
        }

    @Test
    fun reactionsComeAndGo() =
        two { pair ->
            val sent = pair.anaSays("K+ 6.8")
            assertNull(pair.bens.unreact(sent, "\uD83D\uDC4D"))
            assertNotNull(pair.bens.react(sent, "\uD83D\uDC4D"))
            assertNull(pair.bens.react(sent, "\uD83D\uDC4D"))
            val reacted =
                pair.anas
                    .has { it.reactions.isNotEmpty() }
                    .reactions
                    .single()
            assertEquals("\uD83D\uDC4D", reacted.emoji)
            assertEquals(listOfNotNull(pair.ben.account()?.user), reacted.users)
            assertNotNull(pair.bens.unreact(sent, "\uD83D\uDC4D"))
            pair.anas.has { it.id == sent.message && it.reactions.isEmpty() }
        }

    @Test
    fun anAnswerQuotesAndAThreadCounts() =
        two { pair ->
            val first = pair.anaSays("who is on call?")
            val answer = pair.bens.send(NewMessage("me", replyTo = first, thread = first))
            val shown = pair.anas.has { it.id == answer }
            assertEquals(first, shown.replyTo?.message)
            assertEquals(first, shown.thread)
            val root = assertIs<Entry.Message>(pair.anas.message(first)?.entry).message
            assertEquals(1, root.threadCount)
            assertEquals(
                listOf(answer),
                pair.anas
                    .thread(first)
                    .items
                    .map { it.posted().id },
            )
            assertEquals(listOf(answer), pair.anas.replies(first).map { it.posted().id })
        }

    @Test
    fun anUrgentMessageIsAcknowledged() =
        two { pair ->
            val id = pair.anas.send(NewMessage("K+ 6.8", priority = Priority.STAT))
            val arrived = pair.bens.has { it.id == id }
            assertEquals(Priority.STAT, arrived.priority)
            assertNotNull(pair.bens.acknowledge(arrived.reference))
            val ben = pair.ben.account()?.user
            assertEquals(listOfNotNull(ben), pair.anas.has { it.acknowledgedBy.isNotEmpty() }.acknowledgedBy)
            assertEquals(
                ben,
                pair.anas
                    .acknowledgements(arrived.reference)
                    .single()
                    .user,
            )
        }

    @Test
    fun anAmendmentStandsBesideTheOriginal() =
        two { pair ->
            val sent = pair.anaSays("left arm")
            val id = pair.bens.amend(sent, "right arm")
            val body = assertIs<Body.Amendment>(pair.anas.has { it.id == id }.body)
            assertEquals(Body.Amendment(sent, "right arm"), body)
            assertEquals("left arm", assertIs<Entry.Message>(pair.anas.message(sent)?.entry).message.text)
        }

    @Test
    fun receiptsSayWhoHasAMessageAndWhoHasReadIt() =
        two { pair ->
            val sent = pair.anaSays("lunch?")
            val ben = checkNotNull(pair.ben.account()).user
            pair.anas.has { it.delivery == DeliveryState.Delivered(1, 1) }
            assertEquals(1, pair.bens.unread())
            pair.bens.markRead(sent)
            assertEquals(0, pair.bens.unread())
            pair.ben.unread.until { it.messages == 0 }
            pair.anas.has { it.delivery == DeliveryState.Read(1, 1) }
            assertEquals(DeliveryState.Read(1, 1), pair.anas.delivery(sent.message))
            val receipt = pair.anas.receipts(sent).single { it.user == ben }
            assertTrue(receipt.delivered && receipt.read)
            // Who does not tell is not asked by the next message.
            assertTrue(pair.ben.sendsReadReceipts())
            pair.ben.sendReadReceipts(false)
            assertFalse(pair.ben.sendsReadReceipts())
        }

    @Test
    fun whatIsNotSentYetCanBeCancelled() =
        two { pair ->
            pair.ana.stop()
            val id = pair.anas.send("never mind")
            assertEquals(DeliveryState.Queued, pair.anas.delivery(id))
            assertTrue(pair.anas.cancel(id.intent))
            pair.ana.start()
            assertEquals(OutboxState(0, 0), pair.ana.settled())
            assertNull(pair.anas.message(MessageRef(checkNotNull(pair.ana.account()).device, id)))
            refused(ErrorCode.UNKNOWN) { pair.anas.intent(IntentId("00".repeat(16))) }
        }

    private fun Item.posted(): Message = assertIs<Entry.Message>(entry).message
}
