package health.curo

import java.util.Objects
import health.curo.ffi.Disclosure as GeneratedDisclosure

/** What is handed to somebody outside (45 CFR 164.528). */
public class Disclosure(
    /** Who receives it. */
    public val recipient: String,
    /** Their address, if known. */
    public val address: String? = null,
    /** What is disclosed, in short. */
    public val description: String,
    /** Why, or a copy of the request. */
    public val purpose: String,
    /** Whether it belongs into the accounting; disclosures for treatment, payment and operations do not. */
    public val accountable: Boolean,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is Disclosure &&
            recipient == other.recipient &&
            address == other.address &&
            description == other.description &&
            purpose == other.purpose &&
            accountable == other.accountable

    override fun hashCode(): Int = Objects.hash(recipient, address, description, purpose, accountable)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String = "Disclosure(accountable=$accountable, …)"
}

internal fun Disclosure.toGenerated(): GeneratedDisclosure =
    GeneratedDisclosure(
        recipient = recipient.wellFormed(),
        address = address?.wellFormed(),
        description = description.wellFormed(),
        purpose = purpose.wellFormed(),
        accountable = accountable,
    )
