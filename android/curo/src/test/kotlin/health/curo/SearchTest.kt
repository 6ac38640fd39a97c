package health.curo

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** What is found, what is begun, and what is left out of the count. */
class SearchTest {
    @Test
    fun hitsHaveSnippetsWithTheirFinds() =
        two { pair ->
            val text = "Potassium 6.8 \uD83D\uDE91 $CANARY"
            val sent = pair.anaSays(text)
            pair.anaSays("nothing to see")
            for (page in listOf(pair.ben.search("potass"), pair.bens.search("POTASS 6.8"))) {
                val hit = page.hits.single()
                assertEquals(sent, hit.message)
                assertEquals(pair.id, hit.conversation)
                assertEquals(pair.ana.account()?.user, hit.sender)
                val found = hit.highlights.first()
                assertEquals("Potass", hit.snippet.substring(found.start, found.start + 6))
                assertFalse("$page $hit".contains(CANARY))
                assertNull(page.next)
            }
            assertEquals(emptyList(), pair.ben.search("nowhere").hits)
            refused(ErrorCode.INVALID_ARGUMENT) { pair.ben.search("x".repeat(257)) }
            refused(ErrorCode.INVALID_ARGUMENT) { pair.ben.search("x", limit = 0) }
            refused(ErrorCode.INVALID_ARGUMENT) { pair.ben.search("x", limit = -1) }
        }

    @Test
    fun aSearchGoesOnWhereItStopped() =
        two { pair ->
            val sent = List(5) { pair.anas.send("round $it") }
            pair.bens.has { it.id == sent.last() }
            val found = mutableListOf<MessageId>()
            var page = pair.ben.search("round", limit = 2)
            while (true) {
                assertTrue(page.hits.size <= 2)
                found += page.hits.map { it.message.message }
                page = pair.ben.search("round", page.next ?: break, limit = 2)
            }
            assertEquals(sent.reversed(), found)
        }

    @Test
    fun pagesGoBackAndForthWithoutLoss() =
        two { pair ->
            val sent = List(7) { pair.anas.send("line $it") }
            pair.bens.has { it.id == sent.last() }
            val back = mutableListOf<MessageId>()
            var page = pair.bens.latest(3)
            while (true) {
                back.addAll(0, page.ids())
                page = pair.bens.before(page.older ?: break, 3)
            }
            assertEquals(sent, back)
            val first = page.items.first { it.entry is Entry.Message }.cursor
            assertEquals(
                sent.take(4),
                page.ids().take(1) +
                    pair.bens
                        .after(first, 300)
                        .ids()
                        .take(3),
            )
            refused(ErrorCode.INVALID_ARGUMENT) { pair.bens.latest(301) }
            refused(ErrorCode.INVALID_ARGUMENT) { pair.bens.latest(0) }
        }

    @Test
    fun aDraftIsKeptAndShownNowhere() =
        two { pair ->
            assertNull(pair.anas.draft())
            pair.anas.setDraft("$CANARY\uD83D")
            val draft = assertNotNull(pair.anas.draft())
            assertEquals("$CANARY\uFFFD", draft.text)
            assertFalse("$draft".contains(CANARY))
            pair.ana.conversationList().use { list ->
                val row =
                    list.states
                        .until { it.items.any { item -> item.row.draft != null } }
                        .items
                        .single()
                        .row
                assertEquals(draft.text, row.draft)
                assertFalse("$row".contains(CANARY))
            }
            pair.anas.setDraft("")
            assertNull(pair.anas.draft())
        }

    @Test
    fun aMutedConversationDoesNotCount() =
        two { pair ->
            assertFalse(pair.bens.isMuted())
            pair.bens.mute()
            assertTrue(pair.bens.isMuted())
            pair.anaSays("hush")
            assertEquals(1, pair.bens.unread())
            assertEquals(0, pair.ben.unread.value.messages)
            pair.bens.unmute()
            pair.ben.unread.until { it.messages == 1 }
        }

    private fun Page.ids(): List<MessageId> = items.mapNotNull { (it.entry as? Entry.Message)?.message?.id }
}
