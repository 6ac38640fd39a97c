package health.curo

/** What a [KeyVault] throws to say why it gives no key. Any other exception counts as [VaultFailure.NOT_READY]. */
public class VaultException(
    /** Why. */
    public val failure: VaultFailure,
) : Exception("failure=$failure")
