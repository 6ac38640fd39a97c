/** An app without a screen: its client, and what it looks for in what it is shown. */
package health.curo.bench

import health.curo.Body
import health.curo.Client
import health.curo.ClientOptions
import health.curo.Conversation
import health.curo.Entry
import health.curo.KeyVault
import health.curo.ProfileId
import health.curo.Start
import health.curo.StoreKey
import health.curo.Timeline
import health.curo.TimelineItem
import health.curo.VaultException
import health.curo.VaultFailure
import health.curo.VaultMode
import kotlinx.coroutines.flow.first
import java.io.File
import java.security.cert.CertificateFactory
import java.security.cert.X509Certificate

/** Keys as they are, in files: for measurements alone. */
private class FileVault(
    private val folder: File,
) : KeyVault {
    override val mode = VaultMode.BACKGROUND

    override suspend fun loadKey(profile: ProfileId): StoreKey {
        if (!file(profile).exists()) throw VaultException(VaultFailure.MISSING)
        return StoreKey(file(profile).readBytes())
    }

    override suspend fun createKey(profile: ProfileId): StoreKey {
        if (file(profile).exists()) return loadKey(profile)
        val key = StoreKey.random()
        file(profile).writeBytes(key.toByteArray())
        return key
    }

    override suspend fun destroyKey(profile: ProfileId) {
        file(profile).delete()
    }

    private fun file(profile: ProfileId) = folder.resolve("${profile.value}.key")
}

/** Opens the folder's client, or makes a new one there. */
internal suspend fun open(folder: File): Client {
    val authority =
        folder.resolve("ca.der").inputStream().use {
            CertificateFactory.getInstance("X.509").generateCertificate(it) as X509Certificate
        }
    val options =
        ClientOptions(
            root = folder.resolve("profiles"),
            relay = folder.resolve("relay").readText(),
            extraRoots = listOf(authority),
        )
    return Client.open(options, FileVault(folder)) { folder.resolve("token").readText() }
}

/** The conversation of this client, as soon as there is one. */
internal suspend fun conversation(client: Client): Conversation {
    val list = client.conversationList()
    val found = list.states.first { it.items.isNotEmpty() }
    list.close()
    return client.conversation(found.items.first().id)
}

/** A timeline at the live end. */
internal fun Conversation.newest(pageSize: Int): Timeline = timeline(Start.Newest, pageSize)

/** What an item says. */
internal val TimelineItem.text: String?
    get() = ((item.entry as? Entry.Message)?.message?.body as? Body.Text)?.text
