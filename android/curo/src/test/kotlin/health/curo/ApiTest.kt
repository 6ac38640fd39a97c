package health.curo

import java.io.File
import kotlin.reflect.KClass
import kotlin.reflect.KVisibility
import kotlin.reflect.full.declaredFunctions
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

private const val PUBLIC = "health/curo"
private const val GENERATED = "health/curo/ffi"

/** What the library shows to apps: written down in api.txt, complete, and silent about people. */
class ApiTest {
    /** Renewed by `-Dcuro.api.renew=true`; the difference is what a review looks at. */
    @Test
    fun whatIsPublicStandsInTheFile() {
        val now = publicApi(Client::class, PUBLIC)
        val file = File("api.txt")
        if (System.getProperty("curo.api.renew") == "true") file.writeText(now)
        assertFalse(now.contains("health.curo.ffi"), "a generated name is public")
        assertEquals(file.readText(), now)
    }

    /** Every exported type, member and function has a counterpart, or a reason why not. */
    @Test
    fun whatIsGeneratedHasACounterpart() {
        val used = mutableSetOf<String>()
        val missing =
            exported().flatMap { (type, members) ->
                if (REASONS.containsKey(type)) {
                    used += type
                    return@flatMap emptyList()
                }
                val counterpart = named(type)
                if (type in RENAMED) used += type
                members
                    .filterNot { member ->
                        val full = "$type.$member"
                        val other = RENAMED[full]
                        if (other != null || REASONS.containsKey(full)) used += full
                        REASONS.containsKey(full) ||
                            counterpart != null && candidates(other ?: member).any { it in counterpart }
                    }.map { "$type.$it" }
            }
        assertEquals(emptyList(), missing)
        assertEquals(emptySet(), REASONS.keys + RENAMED.keys - used, "these lines are needless")
    }

    /** A class that apps compare says what it is, and its own way of saying it was chosen by hand. */
    @Test
    fun everyValueIsComparedAndSaysWhatItShouldSay() {
        val values =
            OURS.filter {
                val one = it.isCompanion || it.isValue || it.objectInstance != null
                !one && !it.java.isInterface && !it.java.isEnum && !Throwable::class.java.isAssignableFrom(it.java)
            }
        assertTrue(values.size > 50, "${values.size}")
        for (value in values) {
            val own = value.declaredFunctions.map { it.name }.toSet()
            assertTrue(own.containsAll(listOf("equals", "hashCode", "toString")), "${value.qualifiedName}")
            assertFalse(value.isData, "${value.qualifiedName}: a new property would break apps")
        }
    }

    private fun exported(): Map<String, List<String>> {
        val types = publicClasses(Client::class, GENERATED).filterNot { it.isMachinery() }
        val records =
            types.associate { type ->
                val entries =
                    type.java.enumConstants
                        ?.map { (it as Enum<*>).name }
                        .orEmpty()
                val name = checkNotNull(type.qualifiedName).removePrefix("health.curo.ffi.")
                val members = type.publicMembers().map { it.name }
                name to (entries + members.filterNot { it.startsWith("component") || it in PLUMBING })
            }
        val functions = publicFunctions(Client::class, GENERATED).map { it.name }.filterNot { it.startsWith("uniffi") }
        return records + ("" to functions)
    }

    /** The names that a counterpart has: its own and its companion's. */
    private fun named(type: String): Set<String>? {
        if (type.isEmpty()) {
            val members = OURS.flatMap { owner -> owner.publicMembers().map { "${owner.simpleOwner()}.${it.name}" } }
            return (members + publicFunctions(Client::class, PUBLIC).map { it.name }).toSet()
        }
        val counterpart = OURS.find { it.qualifiedName == "health.curo.${RENAMED[type] ?: type}" } ?: return null
        val entries =
            counterpart.java.enumConstants
                ?.map { (it as Enum<*>).name }
                .orEmpty()
        val companion = counterpart.nestedClasses.filter { it.isCompanion && it.visibility == KVisibility.PUBLIC }
        return (listOf(counterpart) + companion).flatMap { it.publicMembers() }.map { it.name }.toSet() + entries
    }

    private fun KClass<*>.simpleOwner(): String =
        checkNotNull(qualifiedName).removePrefix("health.curo.").removeSuffix(".Companion")

    private fun candidates(member: String): List<String> {
        val plain = member.removeSuffix("Ms")
        return if (plain == member) listOf(member) else listOf(plain, plain + "At")
    }

    private fun KClass<*>.isMachinery(): Boolean {
        val name = checkNotNull(qualifiedName).removePrefix("health.curo.ffi.")
        return isCompanion || MACHINERY.containsMatchIn(name)
    }

    private companion object {
        val OURS by lazy { publicClasses(Client::class, PUBLIC) }

        /** What the generator brings for itself. */
        val MACHINERY =
            Regex(
                "^Uniffi|^FfiConverter|^RustBuffer$|^Disposable$|^NoHandle$|^InternalException$|ErrorHandler$|Interface$|Impl$",
            )
        val PLUMBING = setOf("close", "copy", "destroy", "callWithHandle", "uniffiCloneHandle", "uniffiIsDestroyed")

        val RENAMED =
            mapOf(
                "Client.createConversationWith" to "createConversation",
                "Client.end" to "close",
                "Client.observeConnection" to "connection",
                "Client.observeOutbox" to "outbox",
                "Client.observeSession" to "session",
                "Client.observeUnread" to "unread",
                "Client.observeWaitingDevices" to "waiting",
                "Conversation.observe" to "states",
                "Conversation.sendText" to "send",
                "ConversationList.end" to "close",
                "ConversationList.next" to "states",
                "ConversationListSnapshot" to "ConversationsState",
                "CuroException.Failed" to "CuroException",
                "Entry.Posted" to "Entry.Message",
                "ProfileOwner.Person" to "ProfileOwner.Account",
                "Timeline.end" to "close",
                "Timeline.next" to "states",
                "TimelineSnapshot" to "TimelineState",
                ".accounts" to "Client.accounts",
                ".eraseProfile" to "Client.eraseProfile",
                ".newStoreKey" to "StoreKey.random",
                ".pinFromSha256" to "SpkiPin.fromSha256",
                ".pinOfPublicKey" to "SpkiPin.ofPublicKey",
                ".profileOfPush" to "Client.profileOfPush",
                ".randomMessageId" to "MessageId.random",
            )

        val REASONS =
            mapOf(
                "ConnectionSnapshot" to "a StateFlow has no revisions",
                "ConnectionStream" to "a StateFlow",
                "ConversationSnapshot" to "a Flow of its state, which is null while locked",
                "ConversationStream" to "a Flow",
                "CuroException.Failed.message" to "every exception has it",
                "DoneReply" to "a vault returns or throws",
                "KeyReply" to "a vault returns or throws",
                "KnownErrorCode" to "the constants of ErrorCode, which a test compares",
                "OutboxSnapshot" to "a StateFlow has no revisions",
                "OutboxStream" to "a StateFlow",
                "SessionSnapshot" to "a StateFlow has no revisions",
                "SessionStream" to "a StateFlow",
                "TimelineOptions" to "parameters of Conversation.timeline",
                "TokenReply" to "a provider returns or throws",
                "UnreadSnapshot" to "a StateFlow has no revisions",
                "UnreadStream" to "a StateFlow",
                "WaitingDevicesSnapshot" to "a StateFlow has no revisions",
                "WaitingDevicesStream" to "a StateFlow",
                ".knownErrorCodes" to "the constants of ErrorCode, which a test compares",
                ".provokePanic" to "for tests of the bindings",
            )
    }
}
