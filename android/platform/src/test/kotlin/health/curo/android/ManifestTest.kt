package health.curo.android

import android.Manifest
import android.app.job.JobService
import android.os.Build
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.w3c.dom.Element
import java.io.File
import javax.xml.parsers.DocumentBuilderFactory
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** What the library brings into an app's manifest and resources. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [Build.VERSION_CODES.VANILLA_ICE_CREAM], manifest = Config.NONE)
class ManifestTest {
    private fun parse(path: String): Element =
        DocumentBuilderFactory
            .newInstance()
            .newDocumentBuilder()
            .parse(File("src/main", path))
            .documentElement

    private fun Element.all(name: String): List<Element> =
        getElementsByTagName(name).let { found -> List(found.length) { found.item(it) as Element } }

    @Test
    fun theManifestAsksForNoMoreThanIsNeeded() {
        val manifest = parse("AndroidManifest.xml")
        val asked = manifest.all("uses-permission").map { it.getAttribute("android:name") }
        assertEquals(listOf(Manifest.permission.INTERNET, Manifest.permission.ACCESS_NETWORK_STATE), asked)
        assertEquals("26", manifest.all("uses-sdk").single().getAttribute("android:minSdkVersion"))
        assertEquals(
            0,
            manifest
                .all("application")
                .single()
                .attributes.length,
        )
    }

    @Test
    fun theSystemAloneStartsTheJob() {
        val service = parse("AndroidManifest.xml").all("service").single()
        assertEquals(CuroJobService::class.java.name, service.getAttribute("android:name"))
        assertEquals("false", service.getAttribute("android:exported"))
        assertEquals(JobService.PERMISSION_BIND, service.getAttribute("android:permission"))
    }

    @Test
    fun noBackupTakesStoresAndKeys() {
        val excluded =
            listOf("curo_data_extraction_rules", "curo_full_backup_content")
                .flatMap { parse("res/xml/$it.xml").all("exclude") }
                .onEach { assertEquals("root", it.getAttribute("domain")) }
                .map { it.getAttribute("path") }
        assertEquals(List(3) { "no_backup/curo/" }, excluded)
        val data = app.dataDir
        assertEquals("no_backup", app.noBackupFilesDir.relativeTo(data).path)
        assertTrue("${app.curoFolder().relativeTo(data)}/".startsWith("no_backup/curo/"))
    }
}
