package health.curo

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import java.io.File
import kotlin.time.Duration

/**
 * A profile's messaging. Reading and queuing work offline and before [start]; calls that change something are durable
 * when they return, and finish once entered, whatever becomes of their caller. No call blocks the caller's thread.
 *
 * [session], [connection], [unread], [outbox] and [waiting] follow what happens: right after a call has returned, such a
 * flow may for a moment still hold the state from before it. Do not read `value` to learn what a call has done; wait for
 * the state with `first { … }`.
 *
 * Everything fails with [CuroException]. Interfaces as this one may get new members: an app that fakes them may have to
 * add some with a new version.
 */
public interface Client {
    /** The profile that is open. */
    public val profile: ProfileId

    /** What can be done with the profile now: which screen to show. Goes on while locked; its last value is closed or wiped. */
    public val session: StateFlow<SessionState>

    /** How the client stands with its relay now. */
    public val connection: StateFlow<ConnectionState>

    /** What is unread in conversations that are not muted: the badge of an app's icon. Nothing while locked. */
    public val unread: StateFlow<Unread>

    /** What waits to be sent, and what has failed. [unsent] asks the store itself, with what the last call has left there. */
    public val outbox: StateFlow<OutboxState>

    /** The devices of this user that wait for an approval, as far as this device was told. Empty while locked. */
    public val waiting: StateFlow<List<DeviceId>>

    /** The reason that calls on this handle are made for; none counts as treatment. */
    public val access: AccessContext?

    /**
     * The same client for calls that are made for another reason than treatment, in a role, for somebody else, or to
     * disclose. Handles that come from it carry the same reason. They fail with invalid_argument where a text of it is
     * over its limit. Closing one of them closes them all.
     */
    public fun withAccess(access: AccessContext): Client

    /** A handle on a conversation. Asks nothing: whether this device has it is told by the calls on it. */
    public fun conversation(id: ConversationId): Conversation

    /**
     * The conversations for a screen, read in pages of so many: 1 to 300; its calls fail with invalid_argument for another
     * number. Close it with the screen.
     */
    public fun conversationList(pageSize: Int = 50): ConversationList

    /**
     * Creates a conversation with these people. Durable when it returns; works offline. Fails with invalid_argument (nobody
     * but this user, or more than 250 people), sign_in_needed, locked, storage_full; the creation itself may fail later,
     * with no_device for example: ask the conversation for its intent.
     */
    public suspend fun createConversation(
        people: List<UserId>,
        options: CreateOptions = CreateOptions(),
    ): CreatedConversation

    /** The conversation of this user and one other; there is one for two people, whoever asks for it first. */
    public suspend fun directConversation(person: UserId): Conversation

    /** Say so at each touch: the client locks by itself when there was none for long. Returns at once. */
    public fun noteUserActivity()

    /**
     * Say so when the device has changed its network, or comes back to the front after a long sleep: everything is
     * connected anew. Returns at once.
     */
    public fun networkChanged()

    /**
     * Flushes what waits until the deadline, then erases the profile and signs the device out. From then on calls fail
     * with store_missing; close the client.
     * Fails with offline and its likes where the relay cannot be told; then repeat it, or erase.
     */
    public suspend fun signOut(
        deadline: Duration,
        unsent: OnUnsent = OnUnsent.KEEP,
    ): SignOutOutcome

    /**
     * Destroys the profile: first the key in the vault, which makes the files unreadable, then the files. What is not sent
     * is lost. Harmless to repeat. Fails with vault_not_ready, vault_user_auth_needed, or for the file system; then repeat
     * it.
     */
    public suspend fun erase()

    /**
     * Stops and closes in good order, so that another process or client may open the store. Lets go of the vault and the
     * token provider, and ends all flows; from then on every call fails with closed. Finishes even where its caller is
     * cancelled; harmless to repeat.
     */
    public suspend fun close()

    /** As runBackground, for a push that bears this token. */
    public suspend fun handlePush(
        token: String,
        deadline: Duration,
    ): PushOutcome

    /**
     * Tells the relay where to wake this device: what the operator's push gateway finds this installation by, 1 to 512
     * printable ASCII characters without spaces. Call it at every start: the same again costs nothing.
     */
    public suspend fun registerPush(target: String)

    /**
     * One pass for a background task: fetches what is new and sends what waits, until all is done or the deadline is over.
     * Works while locked or suspended, if the vault allows it. Fails with locked (the vault wants the person),
     * sign_in_needed, busy (another process has the store, and will do the work), closed, and for the vault.
     */
    public suspend fun runBackground(deadline: Duration): BackgroundOutcome

    /** Tells the relay to send no more pushes. Harmless to repeat. */
    public suspend fun unregisterPush()

    /** All conversations, the one with the newest activity first. For a screen, watch the list instead. */
    public suspend fun conversations(): List<ConversationInfo>

    /**
     * Messages that hold every word of the query, in all conversations, the newest first; at most limit, 1 to 100. A
     * word is found as it stands and as the beginning of a longer one, whatever the case and the accents. Fails with
     * invalid_argument (a query over 256 bytes, the limit), locked.
     */
    public suspend fun search(
        query: String,
        after: SearchCursor? = null,
        limit: Int = 50,
    ): SearchPage

    /**
     * The code that this device shows while it waits for an approval; none otherwise. The approving device shows the
     * same.
     */
    public suspend fun approvalCode(): String?

    /** Approves a device of this user, once the person has seen the same code on both. */
    public suspend fun approveDevice(device: DeviceId)

    /** All devices of this user. Asks the relay. */
    public suspend fun devices(): List<OwnDevice>

    /** Revokes a device of this user, a lost phone for example, or refuses one that waits for an approval. */
    public suspend fun revokeDevice(device: DeviceId)

    /** What the app calls this profile, for a screen that shows several; none for nothing. */
    public suspend fun setProfileLabel(label: String?)

    /**
     * Waits until another device of this user has approved this one, then signs in. Going away loses nothing; it may be
     * called again at any time. Fails as signIn does; with device_revoked if another device has refused this one.
     */
    public suspend fun waitForApproval(): Account

    /** The devices of this user that wait for an approval. Asks the relay. */
    public suspend fun waitingDevices(): List<WaitingDevice>

    /** Whether it is locked now. For a screen, watch [session] instead. */
    public suspend fun isLocked(): Boolean

    /** Wipes the key and empties every snapshot. Nothing is shown until unlock. */
    public suspend fun lock()

    /**
     * Gives the whole store a new key. It finishes, or is finished at the next opening. Fails with busy, storage_full,
     * locked, and for the vault.
     */
    public suspend fun rekey()

    /**
     * For an app that comes back to the front. Fails with locked where it has been away too long: then the person
     * unlocks.
     */
    public suspend fun resume()

    /**
     * For an app that goes to the background: stops, waits for writes, and closes the store, so that no file lock is
     * held when the system suspends the process. Every call fails with locked until resume.
     */
    public suspend fun suspend()

    /**
     * Fetches the key from the vault and opens the store again. Fails with busy (another process has it),
     * store_missing, vault_not_ready, vault_user_auth_needed, sign_in_needed (the session is over), closed.
     */
    public suspend fun unlock()

    /** The name that this user tells, if any. */
    public suspend fun displayName(): String?

    /**
     * Finds people of the tenant by the identity provider's subjects. Asks the relay; who is not known is left out.
     * Fails with offline and its likes, sign_in_needed, too_large.
     */
    public suspend fun findPeople(subjects: List<String>): List<Person>

    /** Sets whether this user tells others what they have read. Kept in the profile. */
    public suspend fun sendReadReceipts(send: Boolean)

    /** Whether this user tells others what they have read. */
    public suspend fun sendsReadReceipts(): Boolean

    /** The name that this user tells inside conversations. Not told to the relay. */
    public suspend fun setDisplayName(name: String)

    /** The account that the profile is bound to; none before the first sign-in. */
    public suspend fun account(): Account?

    /**
     * Fetches and sends once, for an app that does not run. Fails with offline and its likes, sign_in_needed, locked.
     */
    public suspend fun catchUp()

    /** States and codes for whoever helps with a fault. Nothing in it says anything about people. */
    public suspend fun diagnostics(): String

    /**
     * Signs in with a token of the provider and registers this device, if it is new. Harmless to repeat; needed once in
     * a profile's life, and again whenever the session says so. Fails with offline, captive_portal, tls_failed,
     * pin_mismatch, sign_in_needed (no token, or the relay refuses it), approval_pending (another device must approve
     * this one), wrong_account, store_changed, bad_relay, rate_limited, locked.
     */
    public suspend fun signIn(): Account

    /**
     * Starts live sync and sending. A second call does nothing. Fails with sign_in_needed before the first sign-in,
     * locked, closed.
     */
    public suspend fun start()

    /** Stops live sync and sending. */
    public suspend fun stop()

    /** What a sign-out would lose. */
    public suspend fun unsent(): OutboxState

    /** Opening profiles, and what can be done with one that is not open. */
    public companion object {
        /**
         * Opens a profile's store, or makes the first one. Does not touch the network.
         *
         * Fails with invalid_argument (the relay's address is not plain https, a proxy's not plain http, fewer than two
         * different pins, several profiles and none chosen), busy (in use by another process or client), store_missing,
         * store_unreadable, store_newer, storage_full, vault_not_ready, vault_user_auth_needed. Whatever is refused is left
         * as it was. Whoever is cancelled while it opens leaves nothing open.
         */
        public suspend fun open(
            options: ClientOptions,
            vault: KeyVault,
            tokens: TokenProvider,
        ): Client {
            val opening = background.async { runCatching { LiveClient.open(options, vault, tokens) } }
            try {
                return opening.await().getOrThrow()
            } catch (cancelled: CancellationException) {
                background.launch { opening.await().onSuccess { client -> runCatching { client.close() } } }
                throw cancelled
            }
        }

        /** The profiles below a folder, whether they are open or not. Asks the vault for their keys and opens no store. */
        public suspend fun accounts(
            root: File,
            vault: KeyVault,
        ): List<ProfileEntry> =
            call {
                health.curo.ffi
                    .accounts(root.path.wellFormed(), VaultAdapter(vault))
                    .map { it.toPublic() }
            }

        /**
         * Destroys a profile that is not open: one whose key is gone, or whose erase was interrupted. Harmless to repeat.
         * Fails with busy while it is open somewhere.
         */
        public suspend fun eraseProfile(
            root: File,
            profile: ProfileId,
            vault: KeyVault,
        ): Unit =
            call {
                health.curo.ffi.eraseProfile(
                    root.path.wellFormed(),
                    profile.value.wellFormed(),
                    VaultAdapter(vault),
                )
            }

        /** The profile for which a push with this token is meant; none if there is none here. */
        public suspend fun profileOfPush(
            root: File,
            vault: KeyVault,
            token: String,
        ): ProfileId? =
            call {
                health.curo.ffi
                    .profileOfPush(root.path.wellFormed(), VaultAdapter(vault), token.wellFormed())
                    ?.let { ProfileId(it) }
            }
    }
}

/** Runs the block with an open client, and closes it, however the block ends. */
public suspend inline fun <R> Client.use(block: (Client) -> R): R =
    try {
        block(this)
    } finally {
        withContext(NonCancellable) { close() }
    }
