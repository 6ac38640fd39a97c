package health.curo.android

/**
 * Calls what Android has from this API level on; whoever calls it has asked for the version of the device. The build looks at
 * everything else: it must be there in Android 8.0 (API 26).
 */
@Target(AnnotationTarget.FUNCTION)
@Retention(AnnotationRetention.BINARY)
internal annotation class NewerAndroid(
    val since: Int,
)
