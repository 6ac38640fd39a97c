package health.curo.android

import health.curo.ProfileId
import java.io.File
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.NoSuchFileException
import java.nio.file.Path
import java.nio.file.StandardCopyOption.ATOMIC_MOVE
import java.nio.file.StandardOpenOption.CREATE
import java.nio.file.StandardOpenOption.READ
import java.nio.file.StandardOpenOption.TRUNCATE_EXISTING
import java.nio.file.StandardOpenOption.WRITE

private val PROFILE = Regex("[0-9a-f]{32}")

/** The file in which a profile's sealed key lies: whole or not there, whenever the device stops. Blocks. */
internal class KeyFile(
    private val folder: File,
    profile: ProfileId,
) {
    init {
        // It names a file: what is no id must not lead out of the folder.
        require(PROFILE.matches(profile.value)) { "not the id of a profile" }
    }

    private val path: Path = File(folder, "${profile.value}.key").toPath()
    private val temporary: Path = File(folder, "${profile.value}.key.tmp").toPath()

    /** What it holds, one byte more than a key may have at most; null where there is none. */
    fun read(): ByteArray? =
        try {
            Files.newInputStream(path).use { input ->
                val bytes = ByteArray(SealedKey.SIZE + 1)
                var size = 0
                while (size < bytes.size) {
                    val count = input.read(bytes, size, bytes.size - size)
                    if (count < 0) break
                    size += count
                }
                bytes.copyOf(size)
            }
        } catch (_: NoSuchFileException) {
            null
        }

    /** Durable when it returns. */
    fun write(bytes: ByteArray) {
        Files.createDirectories(folder.toPath())
        FileChannel.open(temporary, CREATE, WRITE, TRUNCATE_EXISTING).use { channel ->
            val buffer = ByteBuffer.wrap(bytes)
            while (buffer.hasRemaining()) channel.write(buffer)
            channel.force(true)
        }
        Files.move(temporary, path, ATOMIC_MOVE)
        syncFolder()
    }

    /** Gone for good when it returns. */
    fun remove() {
        val removed = listOf(temporary, path).map { Files.deleteIfExists(it) }
        if (removed.any { it }) syncFolder()
    }

    private fun syncFolder(): Unit = FileChannel.open(folder.toPath(), READ).use { it.force(true) }
}
