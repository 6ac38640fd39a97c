internal import CuroFFI

/// A conversation of this account. The handle stays valid whatever becomes of the conversation.
///
/// Calls that change something work offline. They are durable when they return, and finish once entered, even when the calling
/// task is cancelled meanwhile; what they return is then sent as soon as the relay can be reached.
public final class Conversation: Sendable, Identifiable {
    let raw: CuroFFI.Conversation

    /// The conversation's id.
    public let id: ConversationID

    init(_ raw: CuroFFI.Conversation) throws {
        self.raw = raw
        id = ConversationID(try raw.id())
    }

    /// State and members as this device knows them. Fails with `unknown` where this device does not have it.
    public func info() async throws(CuroError) -> ConversationInfo {
        ConversationInfo(try await crossing { try await self.raw.info() })
    }

    /// Watches state and members; nil while locked.
    public var states: Snapshots<ConversationInfo?> {
        Snapshots { [raw] in
            let stream = try raw.observe()
            return Source(
                pull: { after in
                    let snapshot = try await stream.next(after: after)
                    return Snapshot(revision: snapshot.revision, state: snapshot.state.map(ConversationInfo.init))
                },
                end: { try? stream.end() })
        }
    }

    /// A window over its items for a screen, read in pages of 1 to 300. Fails with `invalid_argument` for another size.
    public func timeline(
        from start: Start = .firstUnread, pageSize: Int = 50
    ) throws(CuroError) -> Timeline {
        let options = CuroFFI.TimelineOptions(start: start.raw, page: Int64(pageSize))
        return Timeline(try crossing { try raw.timeline(options: options) })
    }
}

/// Sending.
extension Conversation {
    /// Sends a routine message. The id is the app's: the same id again is the same message, with the text that it had first, so
    /// sending after a doubt is harmless; without one the message gets a new one.
    ///
    /// Fails with `unknown`, `removed`, `too_large`, `invalid_argument` (no text, or the id of another change), `cancelled` (the
    /// id was cancelled), `sign_in_needed`, `locked`, `storage_full`.
    @discardableResult
    public func send(_ text: String, id: MessageID? = nil) async throws(CuroError) -> MessageID {
        try await send(NewMessage(text), id: id)
    }

    /// Sends a message. As ``send(_:id:)-(String,_)``.
    @discardableResult
    public func send(_ message: NewMessage, id: MessageID? = nil) async throws(CuroError) -> MessageID {
        let chosen = if let id { id } else { try MessageID.random() }
        return MessageID(
            try await crossing { try await self.raw.send(message: message.raw, id: chosen.rawValue) })
    }

    /// How far an own message has come.
    public func delivery(of message: MessageID) async throws(CuroError) -> DeliveryState {
        DeliveryState(try await crossing { try await self.raw.delivery(message: message.rawValue) })
    }

    /// Tries again what has failed: a change by its intent, a message by its id's ``MessageID/intent``.
    public func retry(_ intent: IntentID) async throws(CuroError) {
        try await crossing { try await self.raw.retry(intent: intent.rawValue) }
    }

    /// Cancels what is not on its way yet. False: it is too late.
    public func cancel(_ intent: IntentID) async throws(CuroError) -> Bool {
        try await crossing { try await self.raw.cancel(intent: intent.rawValue) }
    }

    /// Where an intent stands. Fails with `unknown` for one that is not known, or not known any more.
    public func intent(_ intent: IntentID) async throws(CuroError) -> IntentStatus {
        IntentStatus(try await crossing { try await self.raw.intent(intent: intent.rawValue) })
    }
}

/// Messages that are there.
extension Conversation {
    /// Gives an own message another text. Everybody sees that it was edited.
    @discardableResult
    public func edit(
        _ message: MessageRef, text: String, mentions: [UserID] = []
    ) async throws(CuroError) -> IntentID {
        IntentID(
            try await crossing {
                try await self.raw.edit(message: message.raw, text: text, mentions: mentions.map(\.rawValue))
            })
    }

    /// Deletes an own message: its content is purged here and elsewhere.
    @discardableResult
    public func delete(_ message: MessageRef) async throws(CuroError) -> IntentID {
        IntentID(try await crossing { try await self.raw.delete(message: message.raw) })
    }

    /// Sets a record beside a message that amends it; the original stands unchanged (45 CFR 164.526).
    @discardableResult
    public func amend(
        _ original: MessageRef, text: String, id: MessageID? = nil
    ) async throws(CuroError) -> MessageID {
        let chosen = if let id { id } else { try MessageID.random() }
        return MessageID(
            try await crossing {
                try await self.raw.amend(original: original.raw, text: text, id: chosen.rawValue)
            })
    }

    /// Sets a reaction: an emoji or another short text. Nil where it was set before.
    @discardableResult
    public func react(to message: MessageRef, with emoji: String) async throws(CuroError) -> IntentID? {
        try await crossing { try await self.raw.react(message: message.raw, emoji: emoji) }.map { IntentID($0) }
    }

    /// Takes a reaction back. Nil where there was none.
    @discardableResult
    public func unreact(to message: MessageRef, with emoji: String) async throws(CuroError) -> IntentID? {
        try await crossing { try await self.raw.unreact(message: message.raw, emoji: emoji) }.map { IntentID($0) }
    }

    /// Takes note of an urgent message; its sender sees who has. Nil where it was done before.
    @discardableResult
    public func acknowledge(_ message: MessageRef) async throws(CuroError) -> IntentID? {
        try await crossing { try await self.raw.acknowledge(message: message.raw) }.map { IntentID($0) }
    }

    /// Marks everything up to a message as read.
    public func markRead(upTo message: MessageRef) async throws(CuroError) {
        try await crossing { try await self.raw.markRead(upTo: message.raw) }
    }

    /// Unread messages of others.
    public func unread() async throws(CuroError) -> Int {
        Int(try await crossing { try await self.raw.unread() })
    }

    /// Keeps what somebody has begun to write; empty takes it away.
    public func setDraft(_ text: String) async throws(CuroError) {
        try await crossing { try await self.raw.setDraft(text: text) }
    }

    /// Leaves the conversation out of the total of what is unread, on this device. Its own count goes on.
    public func mute() async throws(CuroError) {
        try await crossing { try await self.raw.mute() }
    }

    /// Takes the conversation into the total of what is unread again.
    public func unmute() async throws(CuroError) {
        try await crossing { try await self.raw.unmute() }
    }

    /// Whether it is muted.
    public func isMuted() async throws(CuroError) -> Bool {
        try await crossing { try await self.raw.isMuted() }
    }
}

/// Members and what it is about.
extension Conversation {
    /// Adds people with all their devices. Fails with `removed`, `not_direct`, `not_allowed`, `invalid_argument` (nobody, or
    /// more than 250), `locked`; the intent itself may fail later, with `no_device` for example.
    @discardableResult
    public func add(_ people: [UserID]) async throws(CuroError) -> IntentID {
        IntentID(try await crossing { try await self.raw.add(people: people.map(\.rawValue)) })
    }

    /// Removes people with all their devices. They can read nothing that is sent after it. Fails as ``add(_:)`` does; also
    /// with `invalid_argument` for this user, and `mandatory_member` for somebody whom the tenant's policy wants in every
    /// conversation.
    @discardableResult
    public func remove(_ people: [UserID]) async throws(CuroError) -> IntentID {
        IntentID(try await crossing { try await self.raw.remove(people: people.map(\.rawValue)) })
    }

    /// Gives somebody a role: admin, member, or another name that the app knows. Fails with `invalid_argument` for what cannot
    /// be a role's name, `not_allowed` where this user's role does not allow it.
    @discardableResult
    public func setRole(_ role: String, of user: UserID) async throws(CuroError) -> IntentID {
        IntentID(try await crossing { try await self.raw.setRole(user: user.rawValue, role: role) })
    }

    /// Sets the title; empty takes it away.
    @discardableResult
    public func setTitle(_ title: String) async throws(CuroError) -> IntentID {
        IntentID(try await crossing { try await self.raw.setTitle(title: title) })
    }

    /// Says that it is about a patient or another subject from now on.
    @discardableResult
    public func bindSubject(_ subject: Subject) async throws(CuroError) -> IntentID {
        IntentID(try await crossing { try await self.raw.bindSubject(subject: subject.raw) })
    }

    /// Says that it is about a subject no more.
    @discardableResult
    public func unbindSubject(_ subject: Subject) async throws(CuroError) -> IntentID {
        IntentID(try await crossing { try await self.raw.unbindSubject(subject: subject.raw) })
    }

    /// Leaves the conversation. What is on this device stays readable.
    public func leave() async throws(CuroError) {
        try await crossing { try await self.raw.leave() }
    }

    /// Comes in again, where the conversation is frozen because it could not by itself.
    public func rejoin() async throws(CuroError) {
        try await crossing { try await self.raw.rejoin() }
    }
}
