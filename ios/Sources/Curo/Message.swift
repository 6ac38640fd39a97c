import Foundation
internal import CuroFFI

/// How calls refer to a message: the sending device and the message's id together.
public struct MessageRef: Hashable, Sendable {
    /// The sending device.
    public let sender: DeviceID
    /// The message's id.
    public let message: MessageID

    /// A reference.
    public init(sender: DeviceID, message: MessageID) {
        self.sender = sender
        self.message = message
    }

    init(_ raw: CuroFFI.MessageRef) {
        self.init(sender: DeviceID(raw.sender), message: MessageID(raw.message))
    }

    var raw: CuroFFI.MessageRef {
        CuroFFI.MessageRef(sender: sender.rawValue, message: message.rawValue)
    }
}

/// A message to send.
public struct NewMessage: Hashable, Sendable, Redacted {
    /// The text.
    public var text: String
    /// Users that it mentions, at most 64.
    public var mentions: [UserID] = []
    /// How soon it wants to be seen.
    public var priority = Priority.routine
    /// The message that it answers.
    public var replyTo: MessageRef?
    /// The first message of the thread that it is in.
    public var thread: MessageRef?

    /// A message that says this.
    public init(_ text: String) {
        self.text = text
    }

    var raw: CuroFFI.NewMessage {
        CuroFFI.NewMessage(
            text: text, mentions: mentions.map(\.rawValue), priority: priority.raw, replyTo: replyTo?.raw,
            thread: thread?.raw)
    }
}

/// How soon a message wants to be seen.
public enum Priority: Hashable, Sendable {
    /// As any message.
    case routine
    /// Soon. Readers are asked to acknowledge it.
    case urgent
    /// At once. Readers are asked to acknowledge it.
    case stat

    init(_ raw: CuroFFI.Priority) {
        self =
            switch raw {
            case .routine: .routine
            case .urgent: .urgent
            case .stat: .stat
            }
    }

    var raw: CuroFFI.Priority {
        switch self {
        case .routine: .routine
        case .urgent: .urgent
        case .stat: .stat
        }
    }
}

/// What a message says.
public enum Body: Hashable, Sendable, Redacted {
    /// Text.
    case text(String)
    /// A record that amends another; the original stands unchanged beside it (45 CFR 164.526).
    case amendment(of: MessageRef, text: String)
    /// It was deleted: nothing of it is left here.
    case deleted
    /// A kind of content that this version does not know, or that cannot be read. It is kept.
    case unsupported

    init(_ raw: CuroFFI.Body) {
        self =
            switch raw {
            case .text(let text): .text(text)
            case .amendment(let original, let text): .amendment(of: MessageRef(original), text: text)
            case .deleted: .deleted
            case .unsupported: .unsupported
            }
    }
}

/// How far something has come that this user sends.
public enum DeliveryState: Hashable, Sendable {
    /// Durable on this device; on its way as soon as the relay can be reached.
    case queued
    /// Accepted by the relay.
    case sent
    /// Durable on a device of `by` of the `of` other people.
    case delivered(by: Int, of: Int)
    /// Read by `by` of the `of` other people, as their devices say.
    case read(by: Int, of: Int)
    /// Refused; it can be retried or cancelled.
    case failed(CuroError)
    /// A state of a later version.
    case other

    init(_ raw: CuroFFI.DeliveryState) {
        self =
            switch raw {
            case .queued: .queued
            case .sent: .sent
            case .delivered(let by, let of): .delivered(by: Int(by), of: Int(of))
            case .read(let by, let of): .read(by: Int(by), of: Int(of))
            case .failed(let failure): .failed(CuroError(failure))
            case .other: .other
            }
    }
}

/// A message as it stands in a conversation.
public struct Message: Hashable, Sendable, Identifiable, Redacted {
    /// What tells two messages of a conversation apart: ``reference``.
    public var id: MessageRef { reference }
    /// How calls refer to it.
    public let reference: MessageRef
    /// What names its item in timelines.
    public let key: ItemKey
    /// The sender.
    public let sender: UserID
    /// The device that sent it.
    public var senderDevice: DeviceID { reference.sender }
    /// Whether this user sent it, from this device or another one.
    public let own: Bool
    /// When the sender says that it was written.
    public let claimedAt: Date?
    /// What it says.
    public let body: Body
    /// How far it has come; of own messages only.
    public let delivery: DeliveryState?
    /// Whether it says something else than when it was sent.
    public let edited: Bool
    /// When the relay accepted the last edit; none while that is unsent.
    public let editedAt: Date?
    /// How soon it wants to be seen.
    public let priority: Priority
    /// Users that it mentions.
    public let mentions: [UserID]
    /// The message that it answers.
    public let replyTo: Quote?
    /// The first message of the thread that it is in.
    public let thread: MessageRef?
    /// Messages in the thread that it began.
    public let threadCount: Int
    /// Reactions, by emoji.
    public let reactions: [Reaction]
    /// Of an urgent message: who has taken note, in order.
    public let acknowledgedBy: [UserID]
    /// The last change of this device to it that is still on its way.
    public let unsentChange: UnsentChange?

    /// For an app's own fakes.
    public init(
        reference: MessageRef, key: ItemKey, sender: UserID, own: Bool = false, claimedAt: Date? = nil, body: Body,
        delivery: DeliveryState? = nil, edited: Bool = false, editedAt: Date? = nil, priority: Priority = .routine,
        mentions: [UserID] = [], replyTo: Quote? = nil, thread: MessageRef? = nil, threadCount: Int = 0,
        reactions: [Reaction] = [], acknowledgedBy: [UserID] = [], unsentChange: UnsentChange? = nil
    ) {
        self.reference = reference
        self.key = key
        self.sender = sender
        self.own = own
        self.claimedAt = claimedAt
        self.body = body
        self.delivery = delivery
        self.edited = edited
        self.editedAt = editedAt
        self.priority = priority
        self.mentions = mentions
        self.replyTo = replyTo
        self.thread = thread
        self.threadCount = threadCount
        self.reactions = reactions
        self.acknowledgedBy = acknowledgedBy
        self.unsentChange = unsentChange
    }

    init(_ raw: CuroFFI.Message) {
        reference = MessageRef(raw.reference)
        key = ItemKey(raw.key)
        sender = UserID(raw.sender)
        own = raw.own
        claimedAt = raw.claimedMs.map(Date.init(milliseconds:))
        body = Body(raw.body)
        delivery = raw.delivery.map(DeliveryState.init)
        edited = raw.edited
        editedAt = raw.editedMs.map(Date.init(milliseconds:))
        priority = Priority(raw.priority)
        mentions = raw.mentions.map { UserID($0) }
        replyTo = raw.replyTo.map(Quote.init)
        thread = raw.thread.map { MessageRef($0) }
        threadCount = Int(raw.threadCount)
        reactions = raw.reactions.map(Reaction.init)
        acknowledgedBy = raw.acknowledgedBy.map { UserID($0) }
        unsentChange = raw.unsentChange.map(UnsentChange.init)
    }
}

/// What a message answers.
public struct Quote: Hashable, Sendable, Redacted {
    /// Which.
    public let message: MessageRef
    /// Who sent it; none if it is not on this device.
    public let sender: UserID?
    /// What it says now, at most 200 characters; none if it is not here, deleted or no text.
    public let text: String?
    /// Whether it was deleted.
    public let deleted: Bool

    /// For an app's own fakes.
    public init(message: MessageRef, sender: UserID? = nil, text: String? = nil, deleted: Bool = false) {
        self.message = message
        self.sender = sender
        self.text = text
        self.deleted = deleted
    }

    init(_ raw: CuroFFI.Quote) {
        message = MessageRef(raw.message)
        sender = raw.sender.map { UserID($0) }
        text = raw.text
        deleted = raw.deleted
    }
}

/// One reaction to a message, with all who have set it.
public struct Reaction: Hashable, Sendable, Identifiable, Redacted {
    /// What tells it apart from the message's others: ``emoji``.
    public var id: String { emoji }
    /// Which: an emoji or another short text.
    public let emoji: String
    /// Who has set it.
    public let users: [UserID]
    /// Whether this user is among them.
    public let own: Bool

    /// For an app's own fakes.
    public init(emoji: String, users: [UserID] = [], own: Bool = false) {
        self.emoji = emoji
        self.users = users
        self.own = own
    }

    init(_ raw: CuroFFI.Reaction) {
        emoji = raw.emoji
        users = raw.users.map { UserID($0) }
        own = raw.own
    }
}

/// A change to a message that is still on its way.
public struct UnsentChange: Hashable, Sendable {
    /// For ``Conversation/retry(_:)`` and ``Conversation/cancel(_:)``.
    public let intent: IntentID
    /// How far it has come.
    public let state: DeliveryState

    /// For an app's own fakes.
    public init(intent: IntentID, state: DeliveryState) {
        self.intent = intent
        self.state = state
    }

    init(_ raw: CuroFFI.UnsentChange) {
        intent = IntentID(raw.intent)
        state = DeliveryState(raw.state)
    }
}
