package health.curo.testing

import health.curo.AccessContext
import health.curo.Account
import health.curo.BackgroundOutcome
import health.curo.ConnectionState
import health.curo.ConversationId
import health.curo.ConversationInfo
import health.curo.ConversationState
import health.curo.CuroException
import health.curo.DeliveryState
import health.curo.DeviceId
import health.curo.ErrorCode
import health.curo.OutboxState
import health.curo.OwnDevice
import health.curo.Person
import health.curo.ProfileId
import health.curo.SessionState
import health.curo.Subject
import health.curo.Unread
import health.curo.UserId
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.takeWhile
import java.time.Instant

/** What a call needs to succeed. */
internal enum class Need {
    /** Only that the client is open. */
    OPEN,

    /** The store. */
    STORE,

    /** The store, and that somebody is signed in. */
    ACCOUNT,
}

/** All that the handles of one fake client share. Whatever changes in it is changed by [change], under one lock. */
internal class World(
    val profile: ProfileId,
    val own: Account,
    val begin: Instant,
) {
    val calls = FakeCalls()
    val session = MutableStateFlow(SessionState.ACTIVE)
    val connection = MutableStateFlow<ConnectionState>(ConnectionState.Stopped)
    val unread = MutableStateFlow(Unread(0, 0))
    val outbox = MutableStateFlow(OutboxState(0, 0))
    val waiting = MutableStateFlow(emptyList<DeviceId>())
    val conversations = LinkedHashMap<ConversationId, Stored>()
    val people = LinkedHashMap<String, Person>()
    var account: Account? = own
    var displayName: String? = null
    var approvalCode: String? = null
    var devices = emptyList<OwnDevice>()
    var suspended = false
    var readReceipts = true

    private val version = MutableStateFlow(0L)
    private var numbers = 0L
    private var seconds = 0L

    val locked: Boolean get() = session.value == SessionState.LOCKED

    /** Another one with each call. */
    fun number(): Long = synchronized(this) { ++numbers }

    /** A time later than all before, by a second. */
    fun time(): Instant = synchronized(this) { begin.plusSeconds(seconds++) }

    fun <T> read(block: () -> T): T = synchronized(this, block)

    /** Changes something, and tells all who watch. */
    fun <T> change(block: () -> T): T =
        synchronized(this) {
            block().also {
                val shown = if (locked) emptyList() else conversations.values.filter { !it.muted && it.unread > 0 }
                unread.value = Unread(shown.sumOf { it.unread }, shown.size)
                outbox.value = count()
                version.value += 1
            }
        }

    /** As a call of the library: recorded, held or failed as the test wants it, and refused where the library would. */
    suspend fun <T> call(
        name: String,
        conversation: ConversationId?,
        access: AccessContext?,
        arguments: List<Any?>,
        need: Need,
        block: () -> T,
    ): T {
        // Who is gone already asks for nothing.
        currentCoroutineContext().ensureActive()
        calls.record(RecordedCall(name, conversation, arguments, access))
        calls.admit(name)
        return change {
            require(need)
            block()
        }
    }

    /** What there is to show: the newest first, then each change, until the client is closed or its profile erased. */
    fun <T> watch(
        goesOn: () -> Boolean = { true },
        state: (Long) -> T,
        same: (T, T) -> Boolean = { old, new -> old == new },
    ): Flow<T> =
        version
            .takeWhile { goesOn() && session.value.lives }
            // The state is read when it is wanted: whoever is slow gets the newest.
            .conflate()
            .map { read { state(version.value) } }
            .distinctUntilChanged(same)

    /** A call that returns at once. */
    fun note(
        name: String,
        access: AccessContext?,
    ): Unit = calls.record(RecordedCall(name, null, emptyList(), access))

    /** A conversation that is active at once. */
    fun create(
        others: List<UserId>,
        title: String,
        subjects: List<Subject>,
        direct: UserId?,
    ): Stored {
        val roster = listOf(member(own.user, "admin")) + (others - own.user).distinct().map { member(it) }
        val info =
            ConversationInfo(
                id = ConversationId("conversation-${number()}"),
                state = ConversationState.ACTIVE,
                frozen = null,
                left = false,
                purged = false,
                behind = false,
                title = title.ifEmpty { null },
                subjects = subjects,
                roster = roster,
                members = roster.map { it.user },
                activityAt = time(),
            )
        return Stored(this, info, direct).also { conversations[info.id] = it }
    }

    fun signIn(): Account {
        account = own
        if (session.value != SessionState.LOCKED) session.value = SessionState.ACTIVE
        return own
    }

    fun comeBack() {
        if (session.value == SessionState.LOCKED) {
            session.value = if (account == null) SessionState.SIGN_IN_NEEDED else SessionState.ACTIVE
        }
    }

    /** A pass in the background that finds nothing. */
    fun pass(): BackgroundOutcome =
        BackgroundOutcome(
            complete = true,
            code = null,
            newMessages = 0,
            conversations = emptyList(),
            waiting = count().waiting,
        )

    fun end(state: SessionState) {
        session.value = state
        connection.value = ConnectionState.Stopped
        waiting.value = emptyList()
        if (state == SessionState.WIPED) conversations.clear()
    }

    fun stored(id: ConversationId): Stored = conversations[id] ?: throw CuroException(ErrorCode.UNKNOWN)

    private fun require(need: Need) {
        val code =
            when (session.value) {
                SessionState.CLOSED -> ErrorCode.CLOSED
                SessionState.WIPED -> ErrorCode.STORE_MISSING
                SessionState.LOCKED -> ErrorCode.LOCKED.takeIf { need != Need.OPEN }
                SessionState.SIGN_IN_NEEDED -> ErrorCode.SIGN_IN_NEEDED.takeIf { need == Need.ACCOUNT }
                SessionState.REVOKED -> ErrorCode.DEVICE_REVOKED.takeIf { need == Need.ACCOUNT }
                SessionState.UPDATE_REQUIRED -> ErrorCode.UPDATE_REQUIRED.takeIf { need == Need.ACCOUNT }
                else -> ErrorCode.SIGN_IN_NEEDED.takeIf { need == Need.ACCOUNT && account == null }
            }
        if (code != null) refuse(code)
        // In the background the store is let go of.
        if (suspended && need != Need.OPEN) refuse(ErrorCode.LOCKED)
    }

    private fun count(): OutboxState {
        val states = conversations.values.flatMap { stored -> stored.messages().mapNotNull { it.delivery } }
        return OutboxState(states.count { it == DeliveryState.Queued }, states.count { it is DeliveryState.Failed })
    }
}

private val SessionState.lives: Boolean get() = this != SessionState.CLOSED && this != SessionState.WIPED

internal fun refuse(code: ErrorCode): Nothing = throw CuroException(code)

/** A page's size, or a limit of a list. */
internal fun within(
    limit: Int,
    most: Int = 300,
): Int = if (limit in 1..most) limit else refuse(ErrorCode.INVALID_ARGUMENT)
