internal import CuroFFI

/// One line of a timeline: a message or something that happened.
public struct TimelineItem: Hashable, Sendable, Identifiable, Redacted {
    /// What names it, the same from queued to read: ``key``.
    public var id: ItemKey { key }
    /// Its name, the same for life.
    public let key: ItemKey
    /// Another one whenever anything about the item has changed.
    public let revision: Int64
    /// What it is.
    public let item: Item

    /// The message, where it is one.
    public var message: Message? { item.message }

    /// For an app's own fakes. Another state of the same item needs another revision.
    public init(key: ItemKey, revision: Int64 = 1, item: Item) {
        self.key = key
        self.revision = revision
        self.item = item
    }

    init(_ raw: CuroFFI.TimelineItem) {
        key = ItemKey(raw.key)
        revision = raw.revision
        item = Item(raw.item)
    }

    /// An item is the same as another one with its key and revision: comparing costs nothing, however long its text.
    public static func == (one: TimelineItem, other: TimelineItem) -> Bool {
        one.key == other.key && one.revision == other.revision
    }

    /// By key and revision, as `==` compares.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(key)
        hasher.combine(revision)
    }
}

/// What an item of a timeline is.
public enum Entry: Hashable, Sendable, Redacted {
    /// A message.
    case message(Message)
    /// People came (`added`) or went (`removed`, or `left` by their own wish).
    case members(by: UserID?, added: [UserID], removed: [UserID], left: [UserID])
    /// Title, subjects or roles were changed.
    case about(StateChange)
    /// This device joined here; what was said before is not on it.
    case joined
    /// This device has not seen what was said in between, and never will.
    case gap(first: LogPlace, last: LogPlace)
    /// The conversation goes on in another group of keys from here on; counted from 1.
    case incarnation(Int64)
    /// A message that cannot be read, from which device and why. The conversation goes on.
    case unreadable(sender: DeviceID, code: ErrorCode)
    /// A message of this device whose content it no longer has.
    case contentLost
    /// Something of a later version.
    case other

    init(_ raw: CuroFFI.Entry) {
        self =
            switch raw {
            case .posted(let message): .message(Message(message))
            case .members(let by, let added, let removed, let left):
                .members(
                    by: by.map { UserID($0) }, added: added.map { UserID($0) }, removed: removed.map { UserID($0) },
                    left: left.map { UserID($0) })
            case .about(let change): .about(StateChange(change))
            case .joined: .joined
            case .gap(let first, let last): .gap(first: LogPlace(first), last: LogPlace(last))
            case .incarnation(let number): .incarnation(number)
            case .unreadable(let sender, let code):
                .unreadable(sender: DeviceID(sender), code: ErrorCode(rawValue: code))
            case .contentLost: .contentLost
            case .other: .other
            }
    }
}

/// What was changed about a conversation.
public struct StateChange: Hashable, Sendable, Redacted {
    /// By whom.
    public let by: UserID?
    /// The new title, where that was changed.
    public let title: String?
    /// Subjects that it is about from now on.
    public let bound: [Subject]
    /// Subjects that it is about no more.
    public let unbound: [Subject]
    /// Roles that were given.
    public let roles: [RoleChange]

    /// For an app's own fakes.
    public init(
        by: UserID? = nil, title: String? = nil, bound: [Subject] = [], unbound: [Subject] = [],
        roles: [RoleChange] = []
    ) {
        self.by = by
        self.title = title
        self.bound = bound
        self.unbound = unbound
        self.roles = roles
    }

    init(_ raw: CuroFFI.StateChange) {
        by = raw.by.map { UserID($0) }
        title = raw.title
        bound = raw.bound.map { Subject($0) }
        unbound = raw.unbound.map { Subject($0) }
        roles = raw.roles.map { RoleChange(user: UserID($0.user), role: $0.role) }
    }
}

/// A role that was given.
public struct RoleChange: Hashable, Sendable, Redacted {
    /// To whom.
    public let user: UserID
    /// Which.
    public let role: String

    /// For an app's own fakes.
    public init(user: UserID, role: String) {
        self.user = user
        self.role = role
    }
}

/// A place in a conversation's log.
public struct LogPlace: Hashable, Sendable {
    /// The incarnation.
    public let incarnation: Int64
    /// The sequence number in it.
    public let sequence: Int64

    /// For an app's own fakes.
    public init(incarnation: Int64, sequence: Int64) {
        self.incarnation = incarnation
        self.sequence = sequence
    }

    init(_ raw: CuroFFI.LogPlace) {
        incarnation = raw.incarnation
        sequence = raw.sequence
    }
}

/// Somebody or something that a conversation is about: a patient's record number, for instance.
public struct Subject: Hashable, Sendable, Redacted {
    /// The naming system, a URI.
    public let system: String
    /// The value in that system.
    public let value: String

    /// A subject.
    public init(system: String, value: String) {
        self.system = system
        self.value = value
    }

    init(_ raw: CuroFFI.Subject) {
        self.init(system: raw.system, value: raw.value)
    }

    var raw: CuroFFI.Subject {
        CuroFFI.Subject(system: system, value: value)
    }
}

/// What lies beyond one end of a window.
public enum Edge: Hashable, Sendable {
    /// Nothing.
    case end
    /// More is on this device: load it.
    case more
    /// It is on its way.
    case loading
    /// It could not be had. Loading again may succeed.
    case failed(CuroError)

    init(_ raw: CuroFFI.Edge) {
        self =
            switch raw {
            case .end: .end
            case .more: .more
            case .loading: .loading
            case .failed(let failure): .failed(CuroError(failure))
            }
    }
}
