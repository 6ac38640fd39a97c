package health.curo.testing

import com.sun.jna.Platform
import java.io.InputStream

/** What this jar brings for the machine that the tests run on. */
internal class Host(
    /** The machine, as JNA names it: `linux-x86-64` for example. */
    private val name: String = Platform.RESOURCE_PREFIX,
) {
    /**
     * The relay's program, to be read and closed. Fails with `IllegalStateException` where the jar was built for another machine.
     */
    fun relay(): InputStream =
        javaClass.getResourceAsStream("/$FOLDER/$name/$PROGRAM") ?: throw IllegalStateException(
            "this build of curo-testing has the relay and the library for ${covered()}, and this machine is $name: " +
                "use FakeClient here, or a build of curo-testing that was made on such a machine",
        )

    /** For which machines it was built. */
    private fun covered(): String =
        javaClass
            .getResourceAsStream("/$FOLDER/hosts")
            ?.use { it.readBytes().decodeToString().trim() }
            ?.replace("\n", ", ")
            ?: "no machine"

    private companion object {
        const val FOLDER = "health/curo/testing"
        const val PROGRAM = "loopback"
    }
}
