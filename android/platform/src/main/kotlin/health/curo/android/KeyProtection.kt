package health.curo.android

/** What protects a key of AndroidKeyStore. */
public enum class KeyProtection {
    /** A separate security chip. */
    STRONG_BOX,

    /** Secure hardware: a trusted execution environment, as a rule. */
    SECURE_HARDWARE,

    /** The operating system alone. */
    SOFTWARE,

    /** The device does not tell. */
    UNKNOWN,
}
