package health.curo.android

import android.content.Context
import java.io.File

/**
 * The folder for `ClientOptions.root`. No backup and no transfer to another device takes it: the keys of the stores in it
 * never leave this device, so nobody could read them there.
 */
public fun Context.curoFolder(): File = File(noBackupFilesDir, "curo/profiles")
