package health.curo

import java.util.Objects
import health.curo.ffi.Account as GeneratedAccount

/** Who a profile belongs to. */
public class Account(
    /** The tenant. */
    public val tenant: TenantId,
    /** The user. */
    public val user: UserId,
    /** This device. */
    public val device: DeviceId,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is Account &&
            tenant == other.tenant &&
            user == other.user &&
            device == other.device

    override fun hashCode(): Int = Objects.hash(tenant, user, device)

    override fun toString(): String = "Account(tenant=$tenant, user=$user, device=$device)"
}

internal fun GeneratedAccount.toPublic(): Account =
    Account(tenant = TenantId(tenant), user = UserId(user), device = DeviceId(device))
