package health.curo

import health.curo.ffi.RuntimeProfile as GeneratedRuntimeProfile

/** How many threads the library may use. */
public enum class RuntimeProfile {
    /** An app: as many workers as there are processors, at most four. */
    APP,

    /** A notification extension, which has little memory: one worker, small stacks. */
    EXTENSION,
}

internal fun RuntimeProfile.toGenerated(): GeneratedRuntimeProfile =
    when (this) {
        RuntimeProfile.APP -> GeneratedRuntimeProfile.APP
        RuntimeProfile.EXTENSION -> GeneratedRuntimeProfile.EXTENSION
    }
