package health.curo

import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotEquals
import kotlin.test.assertTrue

/** Values: compared by what they hold, and silent about it. */
class ValuesTest {
    @Test
    fun keysAreCopiedComparedWipedAndNotShown() {
        val bytes = ByteArray(StoreKey.SIZE) { 7 }
        val key = StoreKey(bytes)
        bytes.fill(0)
        assertContentEquals(ByteArray(StoreKey.SIZE) { 7 }, key.toByteArray())
        assertEquals(StoreKey(ByteArray(StoreKey.SIZE) { 7 }), key)
        assertEquals("StoreKey(…)", key.toString())
        key.wipe()
        assertContentEquals(ByteArray(StoreKey.SIZE), key.toByteArray())
        assertNotEquals(StoreKey.random(), StoreKey.random())
        assertFailsWith<IllegalArgumentException> { StoreKey(ByteArray(StoreKey.SIZE - 1)) }
    }

    @Test
    fun textsAreComparedAndNotShown() {
        val text = Body.Text(CANARY)
        assertEquals(Body.Text(CANARY), text)
        assertEquals(Body.Text(CANARY).hashCode(), text.hashCode())
        assertNotEquals(Body.Text("other"), text)
        assertEquals("Text(…)", text.toString())
        assertEquals("NewMessage(mentions=0, priority=ROUTINE, replyTo=null, thread=null, …)", "${NewMessage(CANARY)}")
    }

    @Test
    fun optionsAreComparedByAllTheyHold() {
        val root = folder()
        assertEquals(ClientOptions(root, "https://relay.example"), ClientOptions(root, "https://relay.example"))
        val extension = ClientOptions(root, "https://relay.example", notificationExtension = true)
        assertNotEquals(ClientOptions(root, "https://relay.example"), extension)
        assertEquals("ClientOptions(profile=null, pins=0, …)", "$extension")
    }

    @Test
    fun messageIdsAreThirtyTwoDigitsAndNeverTheSame() {
        val ids = List(100) { MessageId.random() }
        assertEquals(100, ids.toSet().size)
        for (id in ids) assertTrue(Regex("[0-9a-f]{32}").matches(id.value), id.value)
    }

    @Test
    fun anotherNumberOfThreadsComesTooLate() =
        app {
            alone().use {
                configureRuntime(RuntimeProfile.APP)
                refused(ErrorCode.BUSY) { configureRuntime(RuntimeProfile.EXTENSION) }
            }
        }

    @Test
    fun aClientWithLittleMemoryWorksAsAny() =
        app {
            val root = folder()
            val vault = MemoryVault()
            val profile = alone(vault, root).use { it.profile }
            val small = ClientOptions(root, "https://127.0.0.1:9", profile, notificationExtension = true)
            Client.open(small, vault) { null }.use { assertEquals(profile, it.profile) }
        }
}
