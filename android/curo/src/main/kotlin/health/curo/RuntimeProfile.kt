package health.curo

import health.curo.ffi.RuntimeProfile as GeneratedRuntimeProfile
import health.curo.ffi.configureRuntime as configure

/** How many threads the library may use. */
public enum class RuntimeProfile {
    /** An app: as many workers as there are processors, at most four. */
    APP,

    /** A notification extension, which has little memory: one worker, small stacks. */
    EXTENSION,
}

/**
 * Chooses how many threads the library may use. Call it before anything else, or not at all: an app's number is taken then.
 * Fails with [ErrorCode.BUSY] where the library already runs with another one.
 */
public suspend fun configureRuntime(profile: RuntimeProfile): Unit = call { configure(profile.toGenerated()) }

internal fun RuntimeProfile.toGenerated(): GeneratedRuntimeProfile =
    when (this) {
        RuntimeProfile.APP -> GeneratedRuntimeProfile.APP
        RuntimeProfile.EXTENSION -> GeneratedRuntimeProfile.EXTENSION
    }
