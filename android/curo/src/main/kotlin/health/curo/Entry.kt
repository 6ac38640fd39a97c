package health.curo

import java.util.Objects
import health.curo.ffi.Entry as GeneratedEntry

/** What an item is. */
public sealed interface Entry {
    /** A message. */
    public class Message(
        /** Which. */
        public val message: health.curo.Message,
    ) : Entry {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Message &&
                message == other.message

        override fun hashCode(): Int = message.hashCode()

        override fun toString(): String = "Message(message=$message)"
    }

    /** People came or went. */
    public class Members(
        /** Who changed it. */
        public val by: UserId?,
        /** Who came. */
        public val added: List<UserId>,
        /** Who went. */
        public val removed: List<UserId>,
        /** Who has left by their own wish. */
        public val left: List<UserId>,
    ) : Entry {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Members &&
                by == other.by &&
                added == other.added &&
                removed == other.removed &&
                left == other.left

        override fun hashCode(): Int = Objects.hash(by, added, removed, left)

        override fun toString(): String =
            "Members(by=$by, added=${added.size}, removed=${removed.size}, left=${left.size})"
    }

    /** Title, subjects or roles were changed. */
    public class About(
        /** How. */
        public val change: StateChange,
    ) : Entry {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is About &&
                change == other.change

        override fun hashCode(): Int = change.hashCode()

        override fun toString(): String = "About(change=$change)"
    }

    /** This device joined here; what was said before is not on it. */
    public data object Joined : Entry

    /** This device has not seen what was said in between, and never will. */
    public class Gap(
        /** The first entry that it missed. */
        public val first: LogPlace,
        /** The last one. */
        public val last: LogPlace,
    ) : Entry {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Gap &&
                first == other.first &&
                last == other.last

        override fun hashCode(): Int = Objects.hash(first, last)

        override fun toString(): String = "Gap(first=$first, last=$last)"
    }

    /** The conversation goes on in another group of keys from here on. */
    public class Incarnation(
        /** The incarnation that begins here, counted from 1. */
        public val number: Long,
    ) : Entry {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Incarnation &&
                number == other.number

        override fun hashCode(): Int = number.hashCode()

        override fun toString(): String = "Incarnation(number=$number)"
    }

    /** A message that cannot be read. The conversation goes on. */
    public class Unreadable(
        /** The sending device. */
        public val sender: DeviceId,
        /** Why, as an error code. */
        public val code: ErrorCode,
    ) : Entry {
        override fun equals(other: Any?): Boolean =
            this === other ||
                other is Unreadable &&
                sender == other.sender &&
                code == other.code

        override fun hashCode(): Int = Objects.hash(sender, code)

        override fun toString(): String = "Unreadable(sender=$sender, code=$code)"
    }

    /** A message of this device whose content it no longer has. */
    public data object ContentLost : Entry

    /** Something of a later version. */
    public data object Other : Entry
}

internal fun GeneratedEntry.toPublic(): Entry =
    when (this) {
        is GeneratedEntry.Posted -> Entry.Message(message.toPublic())
        is GeneratedEntry.Members ->
            Entry.Members(
                by?.let {
                    UserId(it)
                },
                added.map { UserId(it) },
                removed.map { UserId(it) },
                left.map { UserId(it) },
            )
        is GeneratedEntry.About -> Entry.About(change.toPublic())
        GeneratedEntry.Joined -> Entry.Joined
        is GeneratedEntry.Gap -> Entry.Gap(first.toPublic(), last.toPublic())
        is GeneratedEntry.Incarnation -> Entry.Incarnation(number)
        is GeneratedEntry.Unreadable -> Entry.Unreadable(DeviceId(sender), ErrorCode(code))
        GeneratedEntry.ContentLost -> Entry.ContentLost
        GeneratedEntry.Other -> Entry.Other
    }
