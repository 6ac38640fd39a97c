package health.curo

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** Being woken. That a push of a relay wakes an app is played by the scenario `push`. */
class PushTest {
    @Test
    fun targetsAreCheckedAndRegisteredAgainAndAgain() =
        app {
            val client = signedIn(person("ana"))
            repeat(2) { client.registerPush("target-of-this-phone") }
            for (bad in listOf("", "with a space", "x".repeat(513), "caf\u00e9", "\uD83D")) {
                refused(ErrorCode.INVALID_ARGUMENT) { client.registerPush(bad) }
            }
            repeat(2) { client.unregisterPush() }
            client.close()
        }

    @Test
    fun aPushOfNobodyIsToldAsSuch() =
        app {
            val client = signedIn(person("ana"))
            assertEquals(PushOutcome.NotMine, client.handlePush("no token of ours", 5.seconds))
            refused(ErrorCode.INVALID_ARGUMENT) { client.runBackground((-1).milliseconds) }
            client.close()
        }
}
