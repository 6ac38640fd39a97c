package health.curo

import kotlinx.coroutines.flow.StateFlow
import kotlin.time.Duration
import health.curo.ffi.Client as GeneratedClient

/** A client over the library. Those that come from [withAccess] share the core. */
internal class LiveClient private constructor(
    private val core: ClientCore,
    override val access: AccessContext?,
) : Client {
    private val inner: GeneratedClient by lazy {
        if (access == null) core.handle else core.handle.withAccess(access.toGenerated())
    }

    override val profile: ProfileId get() = core.profile
    override val session: StateFlow<SessionState> get() = core.session
    override val connection: StateFlow<ConnectionState> get() = core.connection
    override val unread: StateFlow<Unread> get() = core.unread
    override val outbox: StateFlow<OutboxState> get() = core.outbox
    override val waiting: StateFlow<List<DeviceId>> get() = core.waiting

    override fun withAccess(access: AccessContext): Client = LiveClient(core, access)

    override fun conversation(id: ConversationId): Conversation = LiveConversation({ inner }, id, access)

    override fun conversationList(pageSize: Int): ConversationList =
        LiveConversationList { inner.conversationList(pageSize.toLong()) }

    override suspend fun createConversation(
        people: List<UserId>,
        options: CreateOptions,
    ): CreatedConversation =
        call {
            val created = inner.createConversationWith(people.map { it.value.wellFormed() }, options.toGenerated())
            CreatedConversation(conversation(ConversationId(created.id)), IntentId(created.intent))
        }

    override suspend fun directConversation(person: UserId): Conversation =
        call { conversation(ConversationId(inner.directConversation(person.value.wellFormed()).use { it.id() })) }

    override fun noteUserActivity(): Unit = core.noteUserActivity()

    override fun networkChanged(): Unit = core.networkChanged()

    override suspend fun signOut(
        deadline: Duration,
        unsent: OnUnsent,
    ): SignOutOutcome = call { inner.signOut(deadline.inWholeMilliseconds, unsent.toGenerated()).toPublic() }

    override suspend fun erase(): Unit = call { inner.erase() }

    override suspend fun close(): Unit = core.close()

    override suspend fun handlePush(
        token: String,
        deadline: Duration,
    ): PushOutcome = call { inner.handlePush(token.wellFormed(), deadline.inWholeMilliseconds).toPublic() }

    override suspend fun registerPush(target: String): Unit = call { inner.registerPush(target.wellFormed()) }

    override suspend fun runBackground(deadline: Duration): BackgroundOutcome =
        call { inner.runBackground(deadline.inWholeMilliseconds).toPublic() }

    override suspend fun unregisterPush(): Unit = call { inner.unregisterPush() }

    override suspend fun conversations(): List<ConversationInfo> = call { inner.conversations().map { it.toPublic() } }

    override suspend fun search(
        query: String,
        after: SearchCursor?,
        limit: Int,
    ): SearchPage = call { inner.search(query.wellFormed(), after?.value?.wellFormed(), limit.toLong()).toPublic() }

    override suspend fun approvalCode(): String? = call { inner.approvalCode() }

    override suspend fun approveDevice(device: DeviceId): Unit = call { inner.approveDevice(device.value.wellFormed()) }

    override suspend fun devices(): List<OwnDevice> = call { inner.devices().map { it.toPublic() } }

    override suspend fun revokeDevice(device: DeviceId): Unit = call { inner.revokeDevice(device.value.wellFormed()) }

    override suspend fun setProfileLabel(label: String?): Unit = call { inner.setProfileLabel(label?.wellFormed()) }

    override suspend fun waitForApproval(): Account = call { inner.waitForApproval().toPublic() }

    override suspend fun waitingDevices(): List<WaitingDevice> = call { inner.waitingDevices().map { it.toPublic() } }

    override suspend fun isLocked(): Boolean = call { inner.isLocked() }

    override suspend fun lock(): Unit = call { inner.lock() }

    override suspend fun rekey(): Unit = call { inner.rekey() }

    override suspend fun resume(): Unit = call { inner.resume() }

    override suspend fun suspend(): Unit = call { inner.`suspend`() }

    override suspend fun unlock(): Unit = call { inner.unlock() }

    override suspend fun displayName(): String? = call { inner.displayName() }

    override suspend fun findPeople(subjects: List<String>): List<Person> =
        call { inner.findPeople(subjects.map { it.wellFormed() }).map { it.toPublic() } }

    override suspend fun sendReadReceipts(send: Boolean): Unit = call { inner.sendReadReceipts(send) }

    override suspend fun sendsReadReceipts(): Boolean = call { inner.sendsReadReceipts() }

    override suspend fun setDisplayName(name: String): Unit = call { inner.setDisplayName(name.wellFormed()) }

    override suspend fun account(): Account? = call { inner.account()?.toPublic() }

    override suspend fun catchUp(): Unit = call { inner.catchUp() }

    override suspend fun diagnostics(): String = call { inner.diagnostics() }

    override suspend fun signIn(): Account = call { inner.signIn().toPublic() }

    override suspend fun start(): Unit = call { inner.start() }

    override suspend fun stop(): Unit = call { inner.stop() }

    override suspend fun unsent(): OutboxState = call { inner.unsent().toPublic() }

    companion object {
        suspend fun open(
            options: ClientOptions,
            vault: KeyVault,
            tokens: TokenProvider,
        ): Client =
            call {
                val handle = GeneratedClient.open(options.toGenerated(), VaultAdapter(vault), TokenAdapter(tokens))
                LiveClient(ClientCore.of(handle), null)
            }
    }
}
