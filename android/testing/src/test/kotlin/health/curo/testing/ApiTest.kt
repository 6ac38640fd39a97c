package health.curo.testing

import health.curo.publicApi
import java.io.File
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse

/** What tests of apps are shown: written down in api.txt, and no generated name in it. */
class ApiTest {
    /** Renewed by `-Dcuro.api.renew=true`; the difference is what a review looks at. */
    @Test
    fun whatIsPublicStandsInTheFile() {
        val now = publicApi(FakeClient::class, "health/curo/testing")
        val file = File("api.txt")
        if (System.getProperty("curo.api.renew") == "true") file.writeText(now)
        assertFalse(now.contains("health.curo.ffi"), "a generated name is public")
        assertEquals(file.readText(), now)
    }
}
