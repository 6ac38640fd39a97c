package health.curo

import java.util.Objects
import health.curo.ffi.AccessContext as GeneratedAccessContext

/**
 * What an app says about calls that release, export, forward or administer. Without one a call counts as treatment.
 * Purpose, role, reason and the person stood in for may reach the relay: they must not name a patient. A disclosure
 * never leaves the device in the open.
 */
public class AccessContext(
    /**
     * The purpose of use, by its code in HL7 v3 ActReason: TREAT, ETREAT, BTG, HPAYMT, HOPERAT, PATRQT, PUBHLTH,
     * HRESCH, HLEGAL, or one of the tenant's own; 1 to 64 of A-Z, digits and underscores.
     */
    public val purposeOfUse: String,
    /** The role in which the person acts, as the app names it: 1 to 64 bytes. */
    public val role: String? = null,
    /** A code of the tenant for the reason, as a break-glass dialog offers them: 1 to 64 bytes. */
    public val reasonCode: String? = null,
    /** The user in whose stead the person acts. */
    public val onBehalfOf: UserId? = null,
    /** What is disclosed to whom, where something is. */
    public val disclosure: Disclosure? = null,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is AccessContext &&
            purposeOfUse == other.purposeOfUse &&
            role == other.role &&
            reasonCode == other.reasonCode &&
            onBehalfOf == other.onBehalfOf &&
            disclosure == other.disclosure

    override fun hashCode(): Int = Objects.hash(purposeOfUse, role, reasonCode, onBehalfOf, disclosure)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String =
        "AccessContext(purposeOfUse=$purposeOfUse, reasonCode=$reasonCode, onBehalfOf=$onBehalfOf, " +
            "disclosure=$disclosure, …)"
}

internal fun AccessContext.toGenerated(): GeneratedAccessContext =
    GeneratedAccessContext(
        purposeOfUse = purposeOfUse.wellFormed(),
        role = role?.wellFormed(),
        reasonCode = reasonCode?.wellFormed(),
        onBehalfOf = onBehalfOf?.value?.wellFormed(),
        disclosure = disclosure?.toGenerated(),
    )
