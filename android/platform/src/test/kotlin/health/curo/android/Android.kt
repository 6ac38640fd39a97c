package health.curo.android

import android.app.Application
import android.os.Build
import health.curo.Client
import health.curo.VaultException
import health.curo.VaultFailure
import kotlinx.coroutines.runBlocking
import org.robolectric.RuntimeEnvironment
import org.robolectric.util.ReflectionHelpers
import kotlin.test.assertFailsWith

/** What the tests share. */

val app: Application get() = RuntimeEnvironment.getApplication()

/** Lets the code believe that it runs on this version of Android. Back again, however the block ends. */
fun onAndroid(
    version: Int,
    block: () -> Unit,
) {
    val real = Build.VERSION.SDK_INT
    ReflectionHelpers.setStaticField(Build.VERSION::class.java, "SDK_INT", version)
    try {
        block()
    } finally {
        ReflectionHelpers.setStaticField(Build.VERSION::class.java, "SDK_INT", real)
    }
}

/** The vault's failure with which the block ends. It brings nothing of what was behind it. */
fun failure(block: suspend () -> Unit): VaultFailure {
    val failure = assertFailsWith<VaultException> { runBlocking { block() } }
    check("CANARY" !in failure.stackTraceToString()) { "a text of others came through" }
    return failure.failure
}

/** An app with a client for jobs and pushes. */
class HostApp :
    Application(),
    ClientHost {
    var given: Client? = null

    override suspend fun client(): Client? = given
}

/** A service of the system. */
inline fun <reified T : Any> system(): T = checkNotNull(app.getSystemService(T::class.java))
