package health.curo

import java.time.Instant
import java.util.Objects
import health.curo.ffi.Preview as GeneratedPreview

/** The last message of a conversation. */
public class Preview(
    /** What names its item in the timeline. */
    public val key: ItemKey,
    /** Who sent it. */
    public val sender: UserId,
    /** Whether this user did. */
    public val own: Boolean,
    /** What it says. */
    public val body: Body,
    /** When the relay accepted it; none while it is unsent. */
    public val acceptedAt: Instant?,
    /** How far it has come; of own messages only. */
    public val delivery: DeliveryState?,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is Preview &&
            key == other.key &&
            sender == other.sender &&
            own == other.own &&
            body == other.body &&
            acceptedAt == other.acceptedAt &&
            delivery == other.delivery

    override fun hashCode(): Int = Objects.hash(key, sender, own, body, acceptedAt, delivery)

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String = "Preview(key=$key, sender=$sender, own=$own, body=$body, delivery=$delivery, …)"
}

internal fun GeneratedPreview.toPublic(): Preview =
    Preview(
        key = ItemKey(key),
        sender = UserId(sender),
        own = own,
        body = body.toPublic(),
        acceptedAt = acceptedMs?.let { Instant.ofEpochMilli(it) },
        delivery = delivery?.toPublic(),
    )
