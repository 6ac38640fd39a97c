package health.curo.testing

import health.curo.AccessContext
import health.curo.Account
import health.curo.BackgroundOutcome
import health.curo.Client
import health.curo.ConnectionState
import health.curo.Conversation
import health.curo.ConversationId
import health.curo.ConversationInfo
import health.curo.ConversationList
import health.curo.CreateOptions
import health.curo.CreatedConversation
import health.curo.DeviceId
import health.curo.ErrorCode
import health.curo.OnUnsent
import health.curo.OutboxState
import health.curo.OwnDevice
import health.curo.Person
import health.curo.ProfileId
import health.curo.PushOutcome
import health.curo.SearchCursor
import health.curo.SearchPage
import health.curo.SessionState
import health.curo.SignOutOutcome
import health.curo.Unread
import health.curo.UserId
import health.curo.WaitingDevice
import kotlinx.coroutines.flow.StateFlow
import kotlin.time.Duration

/** The calls on a client, on what a fake has. Longer than most files: the interface has so many. */
internal class ClientCalls(
    private val world: World,
    override val access: AccessContext?,
) : Client {
    override val profile: ProfileId get() = world.profile
    override val session: StateFlow<SessionState> get() = world.session
    override val connection: StateFlow<ConnectionState> get() = world.connection
    override val unread: StateFlow<Unread> get() = world.unread
    override val outbox: StateFlow<OutboxState> get() = world.outbox
    override val waiting: StateFlow<List<DeviceId>> get() = world.waiting

    private suspend fun <T> call(
        name: String,
        vararg arguments: Any?,
        need: Need = Need.STORE,
        block: () -> T,
    ): T = world.call(name, null, access, arguments.asList(), need, block)

    override fun withAccess(access: AccessContext): Client = ClientCalls(world, access)

    override fun conversation(id: ConversationId): Conversation = FakeConversation(world, id, access)

    override fun conversationList(pageSize: Int): ConversationList = FakeConversationList(world, access, pageSize)

    override suspend fun createConversation(
        people: List<UserId>,
        options: CreateOptions,
    ): CreatedConversation =
        call("createConversation", people, options, need = Need.ACCOUNT) {
            val others = people - world.own.user
            if (others.isEmpty() || others.size > MOST_PEOPLE) refuse(ErrorCode.INVALID_ARGUMENT)
            val stored = world.create(others, options.title, options.subjects, direct = null)
            CreatedConversation(FakeConversation(world, stored.info.id, access), stored.done())
        }

    override suspend fun directConversation(person: UserId): Conversation =
        call("directConversation", person, need = Need.ACCOUNT) {
            if (person == world.own.user) refuse(ErrorCode.INVALID_ARGUMENT)
            val stored =
                world.conversations.values.find { it.directWith == person }
                    ?: world.create(listOf(person), "", emptyList(), direct = person)
            FakeConversation(world, stored.info.id, access)
        }

    override fun noteUserActivity(): Unit = world.note("noteUserActivity", access)

    override fun networkChanged(): Unit = world.note("networkChanged", access)

    override suspend fun signOut(
        deadline: Duration,
        unsent: OnUnsent,
    ): SignOutOutcome =
        call("signOut", deadline, unsent, need = Need.ACCOUNT) {
            val left = world.outbox.value
            if (unsent == OnUnsent.KEEP && left.waiting + left.failed > 0) {
                SignOutOutcome.Unsent(left)
            } else {
                world.end(SessionState.WIPED)
                SignOutOutcome.SignedOut(left)
            }
        }

    override suspend fun erase(): Unit = call("erase", need = Need.OPEN) { world.end(SessionState.WIPED) }

    override suspend fun close() {
        // Harmless to repeat, and the last word whatever was before.
        world.note("close", access)
        world.change { world.end(SessionState.CLOSED) }
    }

    override suspend fun handlePush(
        token: String,
        deadline: Duration,
    ): PushOutcome = call("handlePush", token, deadline, need = Need.OPEN) { PushOutcome.Fetched(world.pass()) }

    override suspend fun registerPush(target: String): Unit =
        call("registerPush", target, need = Need.ACCOUNT) {
            if (target.length !in 1..LONGEST_TARGET ||
                target.any { it !in '!'..'~' }
            ) {
                refuse(ErrorCode.INVALID_ARGUMENT)
            }
        }

    override suspend fun unregisterPush(): Unit = call("unregisterPush", need = Need.ACCOUNT) {}

    override suspend fun runBackground(deadline: Duration): BackgroundOutcome =
        call("runBackground", deadline, need = Need.OPEN) { world.pass() }

    override suspend fun conversations(): List<ConversationInfo> =
        call("conversations") {
            world.conversations.values
                .map { it.info }
                .sortedByDescending { it.activityAt }
        }

    override suspend fun search(
        query: String,
        after: SearchCursor?,
        limit: Int,
    ): SearchPage = call("search", query, after, limit) { search(world.conversations.values, query, after, limit) }

    override suspend fun approvalCode(): String? = call("approvalCode") { world.approvalCode }

    override suspend fun approveDevice(device: DeviceId): Unit =
        call("approveDevice", device, need = Need.ACCOUNT) { world.waiting.value -= device }

    override suspend fun devices(): List<OwnDevice> = call("devices", need = Need.ACCOUNT) { world.devices }

    override suspend fun revokeDevice(device: DeviceId): Unit =
        call("revokeDevice", device, need = Need.ACCOUNT) { world.waiting.value -= device }

    override suspend fun waitingDevices(): List<WaitingDevice> =
        call("waitingDevices", need = Need.ACCOUNT) {
            world.waiting.value.map { WaitingDevice(it, askedAt = world.begin, code = world.approvalCode ?: CODE) }
        }

    override suspend fun waitForApproval(): Account = call("waitForApproval") { world.signIn() }

    override suspend fun setProfileLabel(label: String?): Unit = call("setProfileLabel", label) {}

    override suspend fun lock(): Unit = call("lock", need = Need.OPEN) { world.session.value = SessionState.LOCKED }

    override suspend fun unlock(): Unit = call("unlock", need = Need.OPEN) { world.comeBack() }

    override suspend fun isLocked(): Boolean = call("isLocked", need = Need.OPEN) { world.locked }

    override suspend fun rekey(): Unit = call("rekey") {}

    override suspend fun suspend(): Unit = call("suspend", need = Need.OPEN) { world.suspended = true }

    override suspend fun resume(): Unit =
        call("resume", need = Need.OPEN) {
            world.suspended = false
            if (world.session.value == SessionState.LOCKED) refuse(ErrorCode.LOCKED)
        }

    override suspend fun displayName(): String? = call("displayName") { world.displayName }

    override suspend fun setDisplayName(name: String): Unit = call("setDisplayName", name) { world.displayName = name }

    override suspend fun findPeople(subjects: List<String>): List<Person> =
        call("findPeople", subjects, need = Need.ACCOUNT) { subjects.mapNotNull { world.people[it] } }

    override suspend fun sendReadReceipts(send: Boolean): Unit =
        call("sendReadReceipts", send) { world.readReceipts = send }

    override suspend fun sendsReadReceipts(): Boolean = call("sendsReadReceipts") { world.readReceipts }

    override suspend fun account(): Account? = call("account") { world.account }

    override suspend fun catchUp(): Unit = call("catchUp", need = Need.ACCOUNT) {}

    override suspend fun diagnostics(): String = call("diagnostics", need = Need.OPEN) { "a fake client" }

    override suspend fun signIn(): Account = call("signIn") { world.signIn() }

    override suspend fun start(): Unit =
        call("start", need = Need.ACCOUNT) { world.connection.value = ConnectionState.Live }

    override suspend fun stop(): Unit = call("stop") { world.connection.value = ConnectionState.Stopped }

    override suspend fun unsent(): OutboxState = call("unsent") { world.outbox.value }

    private companion object {
        const val LONGEST_TARGET = 512
        const val CODE = "000000"
    }
}
