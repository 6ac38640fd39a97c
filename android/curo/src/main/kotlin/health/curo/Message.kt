package health.curo

import java.time.Instant
import java.util.Objects
import health.curo.ffi.Message as GeneratedMessage

/** A message. */
public class Message(
    /** Its id, unique together with the sending device. */
    public val id: MessageId,
    /** The sending device. */
    public val senderDevice: DeviceId,
    /** How calls refer to it: device and id together. */
    public val reference: MessageRef,
    /** What names its item in timelines. */
    public val key: ItemKey,
    /** The sender. */
    public val sender: UserId,
    /** Whether this user sent it, from this device or another one. */
    public val own: Boolean,
    /** When the sender says that it was written. */
    public val claimedAt: Instant?,
    /** What it says. */
    public val body: Body,
    /** How far it has come; of own messages only. */
    public val delivery: DeliveryState?,
    /** Whether it says something else than when it was sent. */
    public val edited: Boolean,
    /** When the relay accepted the last edit; none while that is unsent. */
    public val editedAt: Instant?,
    /** How soon it wants to be seen. */
    public val priority: Priority,
    /** Users that it mentions. */
    public val mentions: List<UserId>,
    /** The message that it answers. */
    public val replyTo: Quote?,
    /** The first message of the thread that it is in. */
    public val thread: MessageRef?,
    /** Messages in the thread that it began. */
    public val threadCount: Int,
    /** Reactions, by emoji. */
    public val reactions: List<Reaction>,
    /** Of an urgent message: who has taken note, in order. */
    public val acknowledgedBy: List<UserId>,
    /** The last change of this device to it that is still on its way. */
    public val unsentChange: UnsentChange?,
) {
    override fun equals(other: Any?): Boolean =
        this === other ||
            other is Message &&
            id == other.id &&
            senderDevice == other.senderDevice &&
            reference == other.reference &&
            key == other.key &&
            sender == other.sender &&
            own == other.own &&
            claimedAt == other.claimedAt &&
            body == other.body &&
            delivery == other.delivery &&
            edited == other.edited &&
            editedAt == other.editedAt &&
            priority == other.priority &&
            mentions == other.mentions &&
            replyTo == other.replyTo &&
            thread == other.thread &&
            threadCount == other.threadCount &&
            reactions == other.reactions &&
            acknowledgedBy == other.acknowledgedBy &&
            unsentChange == other.unsentChange

    override fun hashCode(): Int =
        Objects.hash(
            id,
            senderDevice,
            reference,
            key,
            sender,
            own,
            claimedAt,
            body,
            delivery,
            edited,
            editedAt,
            priority,
            mentions,
            replyTo,
            thread,
            threadCount,
            reactions,
            acknowledgedBy,
            unsentChange,
        )

    /** Says nothing of what people wrote, and no names and times. */
    override fun toString(): String =
        "Message(id=$id, senderDevice=$senderDevice, reference=$reference, key=$key, sender=$sender, " +
            "own=$own, body=$body, delivery=$delivery, edited=$edited, priority=$priority, " +
            "mentions=${mentions.size}, replyTo=$replyTo, thread=$thread, threadCount=$threadCount, " +
            "reactions=${reactions.size}, acknowledgedBy=${acknowledgedBy.size}, " +
            "unsentChange=$unsentChange, …)"
}

internal fun GeneratedMessage.toPublic(): Message =
    Message(
        id = MessageId(id),
        senderDevice = DeviceId(senderDevice),
        reference = reference.toPublic(),
        key = ItemKey(key),
        sender = UserId(sender),
        own = own,
        claimedAt = claimedMs?.let { Instant.ofEpochMilli(it) },
        body = body.toPublic(),
        delivery = delivery?.toPublic(),
        edited = edited,
        editedAt = editedMs?.let { Instant.ofEpochMilli(it) },
        priority = priority.toPublic(),
        mentions = mentions.map { UserId(it) },
        replyTo = replyTo?.toPublic(),
        thread = thread?.toPublic(),
        threadCount = threadCount.toCount(),
        reactions = reactions.map { it.toPublic() },
        acknowledgedBy = acknowledgedBy.map { UserId(it) },
        unsentChange = unsentChange?.toPublic(),
    )
