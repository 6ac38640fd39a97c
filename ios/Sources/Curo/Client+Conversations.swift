internal import CuroFFI

/// A conversation that was asked for.
public struct CreatedConversation: Sendable {
    /// The conversation. It can be used at once, also offline.
    public let conversation: Conversation
    /// The conversation's id.
    public var id: ConversationID { conversation.id }
    /// Its creation, whose outcome ``Conversation/intent(_:)`` tells.
    public let intent: IntentID
}

/// What a conversation is from its first moment on.
public struct CreateOptions: Hashable, Sendable, Redacted {
    /// Its title; empty for none.
    public var title: String
    /// The patients and others that it is about.
    public var subjects: [Subject]

    /// A conversation with this title, about these subjects.
    public init(title: String = "", subjects: [Subject] = []) {
        self.title = title
        self.subjects = subjects
    }

    var raw: CuroFFI.CreateOptions {
        CuroFFI.CreateOptions(title: title, subjects: subjects.map(\.raw))
    }
}

/// Conversations and people.
extension Client {
    /// Creates a conversation with these people, with a title and subjects from its first moment on. Durable when it returns;
    /// works offline.
    ///
    /// Fails with `invalid_argument` (nobody but this user, or more than 250 people), `sign_in_needed`, `locked`,
    /// `storage_full`; the creation itself may fail later, with `no_device` for example: ask for the intent's status.
    public func createConversation(
        with people: [UserID], options: CreateOptions = CreateOptions()
    ) async throws(CuroError) -> CreatedConversation {
        let options = options.raw
        let created = try await crossing {
            try await self.raw.createConversationWith(people: people.map(\.rawValue), options: options)
        }
        return CreatedConversation(
            conversation: try conversation(ConversationID(created.id)), intent: IntentID(created.intent))
    }

    /// The conversation of this user and one other; there is one for two people, whoever asks for it first.
    public func directConversation(with person: UserID) async throws(CuroError) -> Conversation {
        let raw = try await crossing { try await self.raw.directConversation(person: person.rawValue) }
        return try crossing { try Conversation(raw) }
    }

    /// A handle on a conversation. Asks nothing: whether this device has it is told by the calls on it.
    public func conversation(_ id: ConversationID) throws(CuroError) -> Conversation {
        try crossing { try Conversation(try raw.conversation(id: id.rawValue)) }
    }

    /// All conversations, the one with the newest activity first. For a screen, watch ``conversationList(pageSize:)`` instead.
    public func conversations() async throws(CuroError) -> [ConversationInfo] {
        try await crossing { try await self.raw.conversations() }.map { ConversationInfo($0) }
    }

    /// The list of conversations for a screen, read in pages of 1 to 300. Fails with `invalid_argument` for another size.
    public func conversationList(pageSize: Int = 50) throws(CuroError) -> ConversationList {
        ConversationList(try crossing { try raw.conversationList(page: Int64(pageSize)) })
    }

    /// Finds people of the tenant by the identity provider's subjects. Asks the relay; who is not known is left out.
    ///
    /// Fails with `invalid_argument` (none, or more than 250), `offline` and its likes, `rate_limited`, `sign_in_needed`, `locked`.
    public func findPeople(_ subjects: [String]) async throws(CuroError) -> [Person] {
        try await crossing { try await self.raw.findPeople(subjects: subjects) }.map { Person($0) }
    }

    /// The name that this user tells inside conversations. Not told to the relay.
    public func setDisplayName(_ name: String) async throws(CuroError) {
        try await crossing { try await self.raw.setDisplayName(name: name) }
    }

    /// The name that this user tells, if any.
    public func displayName() async throws(CuroError) -> String? {
        try await crossing { try await self.raw.displayName() }
    }
}
