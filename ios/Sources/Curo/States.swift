internal import CuroFFI

/// What an app can do with a profile now: which screen to show.
public enum SessionState: Hashable, Sendable {
    /// Everything works; whether the relay can be reached is the connection's matter.
    case active
    /// Nothing is shown until ``Client/unlock()``.
    case locked
    /// The user must sign in at the identity provider; then call ``Client/signIn()``.
    case signInNeeded
    /// Another device of this user must approve this one: show the approval code, and wait for the approval.
    case waitingForApproval
    /// The relay says that this device was revoked: it sends and gets nothing any more.
    case revoked
    /// The profile was erased. This client can do nothing any more.
    case wiped
    /// The relay no longer speaks with this version of the app.
    case updateRequired
    /// Closed; open a new client.
    case closed
    /// A state of a later version.
    case other

    init(_ raw: CuroFFI.SessionState) {
        self =
            switch raw {
            case .active: .active
            case .locked: .locked
            case .signInNeeded: .signInNeeded
            case .waitingForApproval: .waitingForApproval
            case .revoked: .revoked
            case .wiped: .wiped
            case .updateRequired: .updateRequired
            case .closed: .closed
            case .other: .other
            }
    }
}

/// How a client stands with its relay.
public enum ConnectionState: Hashable, Sendable {
    /// Not started, locked or closed: nothing is sent or received.
    case stopped
    /// The relay is being asked for what is new.
    case catchingUp
    /// All is applied and the live stream is open.
    case live
    /// The relay cannot be reached or refuses for the moment; the next attempt comes by itself.
    case waiting(ErrorCode)
    /// The user must sign in at the identity provider; then call ``Client/signIn()``.
    case signInNeeded
    /// Going on needs more than time.
    case failed(ErrorCode)
    /// A state of a later version.
    case other

    init(_ raw: CuroFFI.ConnectionState) {
        self =
            switch raw {
            case .stopped: .stopped
            case .catchingUp: .catchingUp
            case .live: .live
            case .waiting(let code): .waiting(ErrorCode(rawValue: code))
            case .signInNeeded: .signInNeeded
            case .failed(let code): .failed(ErrorCode(rawValue: code))
            case .other: .other
            }
    }
}

/// What waits to be sent, and what has failed.
public struct OutboxState: Hashable, Sendable {
    /// Messages and intents on their way.
    public let waiting: Int
    /// Messages and intents that have failed.
    public let failed: Int

    /// A state, for an app's own fakes.
    public init(waiting: Int, failed: Int) {
        self.waiting = waiting
        self.failed = failed
    }

    init(_ raw: CuroFFI.OutboxState) {
        self.init(waiting: Int(raw.waiting), failed: Int(raw.failed))
    }
}

/// What is unread: the badge of an app's icon.
public struct Unread: Hashable, Sendable {
    /// Messages.
    public let messages: Int
    /// Conversations that have any.
    public let conversations: Int

    /// A state, for an app's own fakes.
    public init(messages: Int, conversations: Int) {
        self.messages = messages
        self.conversations = conversations
    }

    init(_ raw: CuroFFI.Unread) {
        self.init(messages: Int(raw.messages), conversations: Int(raw.conversations))
    }
}

/// Whose profile it is.
public struct Account: Hashable, Sendable {
    /// The tenant.
    public let tenant: TenantID
    /// The user.
    public let user: UserID
    /// This device.
    public let device: DeviceID

    /// An account, for an app's own fakes.
    public init(tenant: TenantID, user: UserID, device: DeviceID) {
        self.tenant = tenant
        self.user = user
        self.device = device
    }

    init(_ raw: CuroFFI.Account) {
        self.init(tenant: TenantID(raw.tenant), user: UserID(raw.user), device: DeviceID(raw.device))
    }
}
