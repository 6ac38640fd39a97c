package health.curo.testing

import health.curo.AccessContext
import health.curo.Account
import health.curo.Client
import health.curo.ConnectionState
import health.curo.ConversationId
import health.curo.DeliveryState
import health.curo.DeviceId
import health.curo.OwnDevice
import health.curo.Person
import health.curo.ProfileId
import health.curo.SessionState
import health.curo.TenantId
import health.curo.UserId
import java.time.Instant

/**
 * A client without a library, a store and a relay, for tests of an app's own logic: of view models, for example.
 *
 * It keeps what the app sends in memory and shows it as the library would: snapshots are whole, the newest wins, an item
 * that has not changed is the same instance; calls fail with [health.curo.CuroException] where the session does not
 * allow them (locked, closed, sign_in_needed …) or an argument is over its limit. What others or the relay do, a test says:
 * [addConversation], [FakeConversation.receive], [deliver], [setConnection] and their likes. [calls] tells what was called
 * and lets calls fail or wait. Times and ids are the same in each run; only the ids that the app makes are random.
 *
 * It begins signed in, active and stopped, with no conversation. Nothing in it runs by itself and no thread is its own, so
 * it can be used with `runTest`. What it does not do: rights of roles, receipts, purges and background passes are what
 * the test sets them to, and a conversation that is created is active at once. [LoopbackRelay] is for tests that
 * want the real thing.
 */
public class FakeClient private constructor(
    private val world: World,
    access: AccessContext?,
) : Client by ClientCalls(world, access) {
    /** A client of this user, whose first item is of this time. */
    public constructor(
        user: UserId = UserId("me"),
        begin: Instant = Instant.parse("2026-01-01T00:00:00Z"),
    ) : this(World(ProfileId("profile"), Account(TenantId("tenant"), user, deviceOf(user)), begin), null)

    /** What was called, on the client and on all that comes from it. */
    public val calls: FakeCalls get() = world.calls

    /** This user, this device. Also before a sign-in. */
    public val own: Account get() = world.own

    override fun withAccess(access: AccessContext): FakeClient = FakeClient(world, access)

    override fun conversation(id: ConversationId): FakeConversation = FakeConversation(world, id, access)

    override fun conversationList(pageSize: Int): FakeConversationList = FakeConversationList(world, access, pageSize)

    /** A conversation of this user with these people, as if somebody had invited them. */
    public fun addConversation(
        people: List<UserId>,
        title: String = "",
    ): FakeConversation = add(people, title, direct = null)

    /** The conversation of this user and one other, as if that one had begun it. */
    public fun addDirectConversation(person: UserId): FakeConversation = add(listOf(person), "", person)

    /** Somebody whom [findPeople] finds by this subject. */
    public fun addPerson(
        subject: String,
        user: UserId = UserId(subject),
        name: String? = null,
    ): Person = world.change { Person(subject, user, name).also { world.people[subject] = it } }

    /** Everything that waits to be sent has come so far. */
    public fun deliver(state: DeliveryState = DeliveryState.Sent): Unit =
        world.change {
            for (stored in world.conversations.values) {
                stored.messages().filter { it.delivery == DeliveryState.Queued }.forEach {
                    stored.deliver(
                        it.reference,
                        state,
                    )
                }
            }
        }

    /** The session is so from now on, as if the library had found out. */
    public fun setSession(state: SessionState): Unit = world.change { world.session.value = state }

    /** The client stands so with its relay from now on. */
    public fun setConnection(state: ConnectionState): Unit = world.change { world.connection.value = state }

    /** The devices that wait for an approval from now on, and the code that they and this one show. */
    public fun setWaiting(
        devices: List<DeviceId>,
        code: String? = null,
    ): Unit =
        world.change {
            world.waiting.value = devices
            world.approvalCode = code
        }

    /** What [devices] gives from now on. */
    public fun setDevices(devices: List<OwnDevice>): Unit = world.change { world.devices = devices }

    /** There was no sign-in yet: the session wants one, and [signIn] makes it active. */
    public fun forgetAccount(): Unit =
        world.change {
            world.account = null
            world.session.value = SessionState.SIGN_IN_NEEDED
        }

    private fun add(
        people: List<UserId>,
        title: String,
        direct: UserId?,
    ): FakeConversation =
        world.change { FakeConversation(world, world.create(people, title, emptyList(), direct).info.id, access) }
}
