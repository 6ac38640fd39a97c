package health.curo.android

import android.os.Build
import android.security.KeyStoreException
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.UserNotAuthenticatedException
import health.curo.VaultException
import health.curo.VaultFailure
import javax.crypto.AEADBadTagException

/** AndroidKeyStore wraps causes in causes; a few are enough, and a circle has an end. */
private const val DEEPEST_CAUSE = 8

/**
 * Why AndroidKeyStore or a file has failed, as one of the four failures. Whatever is not known to be for good is
 * [VaultFailure.NOT_READY]: a key that is called gone may be erased by the app.
 */
internal fun Throwable.vaultFailure(): VaultFailure =
    generateSequence(this) { it.cause }
        .take(DEEPEST_CAUSE)
        .firstNotNullOfOrNull { it.known() } ?: VaultFailure.NOT_READY

private fun Throwable.known(): VaultFailure? =
    when (this) {
        is VaultException -> failure
        is UserNotAuthenticatedException -> VaultFailure.USER_AUTH_NEEDED
        is KeyPermanentlyInvalidatedException -> VaultFailure.INVALIDATED
        is AEADBadTagException -> VaultFailure.INVALIDATED
        else -> if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) knownToKeyStore() else null
    }

@NewerAndroid(Build.VERSION_CODES.TIRAMISU)
private fun Throwable.knownToKeyStore(): VaultFailure? =
    when {
        this !is KeyStoreException -> null
        requiresUserAuthentication() -> VaultFailure.USER_AUTH_NEEDED
        numericErrorCode == KeyStoreException.ERROR_KEY_DOES_NOT_EXIST -> VaultFailure.INVALIDATED
        else -> null
    }
