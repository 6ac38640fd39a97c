import Foundation
internal import CuroFFI

/// What can be done with a conversation.
public enum ConversationState: Hashable, Sendable {
    /// This device has asked for it; the relay has not accepted it yet.
    case creating
    /// Somebody else has created it first; its Welcome will come.
    case waiting
    /// This device is a member.
    case active
    /// This device was removed; what it has stays readable.
    case removed
    /// It cannot go on here; the code beside it says why.
    case frozen

    init(_ raw: CuroFFI.ConversationState) {
        self =
            switch raw {
            case .creating: .creating
            case .waiting: .waiting
            case .active: .active
            case .removed: .removed
            case .frozen: .frozen
            }
    }
}

/// A conversation's head: its state, members, title and subjects.
public struct ConversationInfo: Hashable, Sendable, Identifiable, Redacted {
    /// The conversation.
    public let id: ConversationID
    /// What can be done with it.
    public let state: ConversationState
    /// Why it is frozen.
    public let frozen: ErrorCode?
    /// Whether the user has left it, by this device or another one.
    public let left: Bool
    /// Whether all that was said in it was purged when others removed this device.
    public let purged: Bool
    /// Whether entries are known to be missing. Tried again by itself.
    public let behind: Bool
    /// Its title, if it has one.
    public let title: String?
    /// The patients and others that it is about.
    public let subjects: [Subject]
    /// Who is in it now, this user included, with roles and names.
    public let roster: [Member]
    /// Who is in it now, this user included.
    public var members: [UserID] { roster.map(\.user) }
    /// Time of the last activity.
    public let activityAt: Date

    /// For an app's own fakes.
    public init(
        id: ConversationID, state: ConversationState = .active, frozen: ErrorCode? = nil, left: Bool = false,
        purged: Bool = false, behind: Bool = false, title: String? = nil, subjects: [Subject] = [],
        roster: [Member] = [], activityAt: Date
    ) {
        self.id = id
        self.state = state
        self.frozen = frozen
        self.left = left
        self.purged = purged
        self.behind = behind
        self.title = title
        self.subjects = subjects
        self.roster = roster
        self.activityAt = activityAt
    }

    init(_ raw: CuroFFI.ConversationInfo) {
        id = ConversationID(raw.id)
        state = ConversationState(raw.state)
        frozen = raw.frozen.map(ErrorCode.init(rawValue:))
        left = raw.left
        purged = raw.purged
        behind = raw.behind
        title = raw.title
        subjects = raw.subjects.map { Subject($0) }
        roster = raw.roster.map(Member.init)
        activityAt = Date(milliseconds: raw.activityMs)
    }
}

/// Somebody in a conversation.
public struct Member: Hashable, Sendable, Identifiable, Redacted {
    /// The user.
    public var id: UserID { user }
    /// The user.
    public let user: UserID
    /// Their role: admin, member, or another name that the app has given.
    public let role: String
    /// The name that they have told.
    public let name: String?
    /// Whether the tenant's policy wants them in every conversation.
    public let mandatory: Bool
    /// Whether none of their devices is in it at the moment: they were away for long, or could not be invited again. They
    /// are members all the same, and back when a device of theirs is; what is said meanwhile that device does not get.
    public let dormant: Bool

    /// For an app's own fakes.
    public init(user: UserID, role: String, name: String? = nil, mandatory: Bool = false, dormant: Bool = false) {
        self.user = user
        self.role = role
        self.name = name
        self.mandatory = mandatory
        self.dormant = dormant
    }

    init(_ raw: CuroFFI.Member) {
        user = UserID(raw.user)
        role = raw.role
        name = raw.name
        mandatory = raw.mandatory
        dormant = raw.dormant
    }
}

/// Somebody, as found by the identity provider's name for them.
public struct Person: Hashable, Sendable, Identifiable, Redacted {
    /// The user.
    public var id: UserID { user }
    /// The identity provider's subject that was asked for.
    public let subject: String
    /// The user.
    public let user: UserID
    /// The name that they have told inside conversations, if this device has heard it.
    public let name: String?

    /// For an app's own fakes.
    public init(subject: String, user: UserID, name: String? = nil) {
        self.subject = subject
        self.user = user
        self.name = name
    }

    init(_ raw: CuroFFI.Person) {
        subject = raw.subject
        user = UserID(raw.user)
        name = raw.name
    }
}

/// How something stands that was asked for.
public enum IntentStatus: Hashable, Sendable {
    /// Durable; not done yet.
    case pending
    /// Done, or there was nothing left to do.
    case done
    /// Refused.
    case failed(CuroError)
    /// A state of a later version.
    case other

    init(_ raw: CuroFFI.IntentStatus) {
        self =
            switch raw {
            case .pending: .pending
            case .done: .done
            case .failed(let failure): .failed(CuroError(failure))
            case .other: .other
            }
    }
}
