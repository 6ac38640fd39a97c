internal import CuroFFI

/// What a pass in the background has done. It tells how much, and nothing of what was written.
public struct BackgroundOutcome: Hashable, Sendable {
    /// Whether it came to its end; otherwise the next pass goes on from there.
    public let complete: Bool
    /// Why it was cut off, where it was not the deadline or a person.
    public let code: ErrorCode?
    /// Messages of others that arrived.
    public let newMessages: Int
    /// In which conversations they are.
    public let conversations: [ConversationID]
    /// Messages and intents that still wait to be sent.
    public let waiting: Int

    /// For an app's own fakes.
    public init(
        complete: Bool, code: ErrorCode? = nil, newMessages: Int = 0, conversations: [ConversationID] = [],
        waiting: Int = 0
    ) {
        self.complete = complete
        self.code = code
        self.newMessages = newMessages
        self.conversations = conversations
        self.waiting = waiting
    }

    init(_ raw: CuroFFI.BackgroundOutcome) {
        self.init(
            complete: raw.complete, code: raw.code.map(ErrorCode.init(rawValue:)),
            newMessages: Int(raw.newMessages), conversations: raw.conversations.map { ConversationID($0) },
            waiting: Int(raw.waiting))
    }
}

/// What a push has led to.
public enum PushOutcome: Hashable, Sendable {
    /// It is for another profile of this installation, or for one that is gone. Nothing was fetched.
    case notMine
    /// What was fetched. Show a text that says nothing of it while the client is locked.
    case fetched(BackgroundOutcome)
    /// An outcome of a later version.
    case other

    init(_ raw: CuroFFI.PushOutcome) {
        self =
            switch raw {
            case .notMine: .notMine
            case .fetched(let outcome): .fetched(BackgroundOutcome(outcome))
            case .other: .other
            }
    }
}

/// Work while nobody looks at the app.
extension Client {
    /// One pass for a background task: fetches what is new and sends what waits, until all is done or the deadline is over.
    /// Works while locked or suspended, if the vault allows it.
    ///
    /// Fails with `locked` (the vault wants the person), `sign_in_needed`, `busy` (another process has the store, and will do
    /// the work), `closed`, `vault_not_ready`.
    public func runBackground(deadline: Duration) async throws(CuroError) -> BackgroundOutcome {
        BackgroundOutcome(
            try await crossing { try await self.raw.runBackground(deadlineMs: deadline.inMilliseconds) })
    }

    /// As ``runBackground(deadline:)``, for a push that bears this token.
    public func handlePush(token: String, deadline: Duration) async throws(CuroError) -> PushOutcome {
        PushOutcome(
            try await crossing {
                try await self.raw.handlePush(token: token, deadlineMs: deadline.inMilliseconds)
            })
    }

    /// Tells the relay where to wake this device: what the operator's push gateway finds this installation by, 1 to 512
    /// printable ASCII characters. Call it at every start: the same again costs nothing.
    ///
    /// The registration is durable first: if the relay cannot be reached it is sent with the next background run or
    /// ``catchUp()``. A push then bears a random token of this profile and nothing else; give it to
    /// ``handlePush(token:deadline:)``, or to ``profileOfPush(root:vault:token:)`` where no client is open yet.
    ///
    /// Fails with `invalid_argument`, `sign_in_needed`, `locked`, `offline` and its likes, `rate_limited`.
    public func registerPush(target: String) async throws(CuroError) {
        try await crossing { try await self.raw.registerPush(target: target) }
    }

    /// Tells the relay to send no more pushes. Harmless to repeat. Fails with `offline` and its likes, `sign_in_needed`,
    /// `locked`.
    public func unregisterPush() async throws(CuroError) {
        try await crossing { try await self.raw.unregisterPush() }
    }
}
