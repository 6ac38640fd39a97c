package health.curo.android

import health.curo.publicApi
import org.junit.Test
import java.io.File
import kotlin.test.assertEquals
import kotlin.test.assertFalse

/** What the Android part shows to apps: written down in api.txt, and no generated name in it. */
class ApiTest {
    /** Renewed by `-Dcuro.api.renew=true`; the difference is what a review looks at. */
    @Test
    fun whatIsPublicStandsInTheFile() {
        val now = publicApi(AppLifecycle::class, "health/curo/android")
        val file = File("api.txt")
        if (System.getProperty("curo.api.renew") == "true") file.writeText(now)
        assertFalse(now.contains("health.curo.ffi"), "a generated name is public")
        assertEquals(file.readText(), now)
    }
}
