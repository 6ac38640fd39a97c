package health.curo.sample

import org.junit.Test
import org.w3c.dom.Element
import java.io.File
import javax.xml.parsers.DocumentBuilderFactory
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** What stands beside the code says what the code says. */
class ExampleTest {
    @Test
    fun theDocumentationShowsTheApp() {
        val source = File("src/main/kotlin/health/curo/sample/SampleApp.kt").readText()
        val example = source.substring(source.indexOf("class SampleApp :")).trimEnd()
        assertTrue(File("../../docs/android.md").readText().contains("```kotlin\n$example\n```"))
    }

    @Test
    fun theManifestNamesWhatIsThere() {
        val manifest =
            DocumentBuilderFactory
                .newInstance()
                .newDocumentBuilder()
                .parse(File("src/main/AndroidManifest.xml"))
                .documentElement

        fun names(element: String): List<String> =
            manifest.getElementsByTagName(element).let { found ->
                List(found.length) { (found.item(it) as Element).getAttribute("android:name") }
            }
        assertEquals(listOf(SampleApp::class.java.name), names("application"))
        assertEquals(
            listOf(MainActivity::class.java, ConversationActivity::class.java).map { it.name },
            names("activity"),
        )
    }
}
