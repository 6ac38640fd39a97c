package health.curo

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertIs
import kotlin.test.assertNull
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** Whose profiles there are, and how they end. */
class ProfilesTest {
    @Test
    fun profilesAreToldWithTheirOwners() =
        app {
            val root = folder()
            val vault = MemoryVault()
            assertEquals(emptyList(), Client.accounts(root, vault))
            val profile = alone(vault, root).use { it.profile }
            assertEquals(listOf(ProfileEntry(profile, ProfileOwner.Nobody)), Client.accounts(root, vault))
            val account =
                signedIn(person("ana"), here(root), vault).use {
                    assertEquals(profile, it.profile)
                    it.setProfileLabel(CANARY)
                    assertEquals(it.signIn(), it.account())
                    it.signIn()
                }
            val entries = Client.accounts(root, vault)
            assertEquals(listOf(ProfileEntry(profile, ProfileOwner.Account(account, CANARY))), entries)
            assertFalse("$entries".contains(CANARY))
            // Another phone's vault has no key for it.
            val lost = Client.accounts(root, MemoryVault()).single()
            assertEquals(ProfileOwner.Lost, lost.owner)
        }

    @Test
    fun anErasedProfileIsGone() =
        app {
            val root = folder()
            val vault = MemoryVault()
            val client = signedIn(person("ana"), here(root), vault)
            val busy = refused(ErrorCode.BUSY) { Client.eraseProfile(root, client.profile, vault) }
            assertTrue(busy.retryable)
            client.erase()
            assertEquals(SessionState.WIPED, client.session.until { it == SessionState.WIPED })
            assertEquals(0, vault.size)
            client.close()
            assertEquals(emptyList(), Client.accounts(root, vault))
        }

    @Test
    fun aProfileThatIsNotOpenCanBeErased() =
        app {
            val root = folder()
            val vault = MemoryVault()
            val profile = alone(vault, root).use { it.profile }
            repeat(2) { Client.eraseProfile(root, profile, vault) }
            assertEquals(0, vault.size)
            assertEquals(emptyList(), Client.accounts(root, vault))
            assertNull(Client.profileOfPush(root, vault, "nobody's"))
        }

    @Test
    fun signingOutTellsWhatWouldBeLost() =
        two { pair ->
            pair.ana.stop()
            pair.anas.send("unsent")
            val kept = assertIs<SignOutOutcome.Unsent>(pair.ana.signOut(1.milliseconds))
            assertEquals(pair.ana.unsent(), kept.left)
            assertEquals(1, kept.left.waiting)
            pair.ana.start()
            pair.ana.settled()
            assertEquals(SignOutOutcome.SignedOut(OutboxState(0, 0)), pair.ana.signOut(30.seconds))
            refused(ErrorCode.STORE_MISSING) { pair.ana.conversations() }
            pair.bens.has { it.text == "unsent" }
        }

    @Test
    fun whatIsUnsentCanBeDiscarded() =
        two { pair ->
            pair.ana.stop()
            pair.anas.send("unsent")
            val outcome = pair.ana.signOut(1.milliseconds, OnUnsent.DISCARD)
            assertEquals(1, assertIs<SignOutOutcome.SignedOut>(outcome).lost.waiting)
        }

    @Test
    fun devicesAreToldAndRevoked() =
        app {
            val subject = person("ana")
            val first = signedIn(subject)
            val second = signedIn(subject)
            val devices = first.devices()
            assertEquals(2, devices.size)
            assertEquals(first.account()?.device, devices.single { it.current }.device)
            first.revokeDevice(checkNotNull(second.account()).device)
            assertEquals(SessionState.REVOKED, second.session.until { it == SessionState.REVOKED })
            assertTrue(first.devices().single { !it.current }.revoked)
            assertEquals(emptyList(), first.waitingDevices())
            assertNull(first.approvalCode())
            first.close()
            second.close()
        }
}
