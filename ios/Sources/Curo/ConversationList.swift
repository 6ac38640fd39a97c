import Foundation
internal import CuroFFI

/// A window over the conversations, the one with the newest activity first, that follows what happens.
///
/// It is closed by ``close()``, and by itself when neither it nor one of its ``states`` is held any more.
public final class ConversationList: Sendable {
    private let raw: CuroFFI.ConversationList

    init(_ raw: CuroFFI.ConversationList) {
        self.raw = raw
    }

    deinit {
        try? raw.end()
    }

    /// What to show, each state whole.
    public var states: Snapshots<ConversationsState> {
        Snapshots { [self] in
            Source(
                pull: { [raw] after in
                    let snapshot = try await raw.next(after: after)
                    return Snapshot(revision: snapshot.revision, state: ConversationsState(snapshot))
                },
                // Other consumers go on; holds the window open for this one.
                end: { withExtendedLifetime(self) {} })
        }
    }

    /// Loads conversations with older activity; what is found comes with the next state.
    public func loadOlder() async throws(CuroError) {
        try await crossing { try await self.raw.loadOlder() }
    }

    /// Loads conversations with newer activity; what is found comes with the next state.
    public func loadNewer() async throws(CuroError) {
        try await crossing { try await self.raw.loadNewer() }
    }

    /// Goes to the conversation with the newest activity.
    public func jumpToNewest() async throws(CuroError) {
        try await crossing { try await self.raw.jumpToNewest() }
    }

    /// Closes the list and ends its ``states``. Harmless to repeat.
    public func close() {
        try? raw.end()
    }
}

/// What a list of conversations shows.
public struct ConversationsState: Hashable, Sendable, Redacted {
    /// Whether the client is locked. There are no items then.
    public let locked: Bool
    /// The conversation with the newest activity first. One with the same id and revision as before is unchanged.
    public let items: [ConversationItem]
    /// What lies before the first.
    public let newer: Edge
    /// What lies behind the last.
    public let older: Edge

    /// For an app's own fakes.
    public init(locked: Bool = false, items: [ConversationItem] = [], newer: Edge = .end, older: Edge = .end) {
        self.locked = locked
        self.items = items
        self.newer = newer
        self.older = older
    }

    init(_ raw: CuroFFI.ConversationListSnapshot) {
        locked = raw.locked
        items = raw.items.map(ConversationItem.init)
        newer = Edge(raw.newer)
        older = Edge(raw.older)
    }
}

/// One row of a list of conversations.
public struct ConversationItem: Hashable, Sendable, Identifiable, Redacted {
    /// The conversation.
    public let id: ConversationID
    /// Another one whenever anything about the row has changed.
    public let revision: Int64
    /// What it says.
    public let row: ConversationSummary

    /// For an app's own fakes. Another state of the same row needs another revision.
    public init(id: ConversationID, revision: Int64 = 1, row: ConversationSummary) {
        self.id = id
        self.revision = revision
        self.row = row
    }

    init(_ raw: CuroFFI.ConversationItem) {
        id = ConversationID(raw.id)
        revision = raw.revision
        row = ConversationSummary(raw.row)
    }
}

/// What a row of a list says of its conversation.
public struct ConversationSummary: Hashable, Sendable, Redacted {
    /// What can be done with it.
    public let state: ConversationState
    /// Why it is frozen.
    public let frozen: ErrorCode?
    /// Whether entries are known to be missing. Tried again by itself.
    public let behind: Bool
    /// Its title, if it has one.
    public let title: String?
    /// The other person of a direct conversation.
    public let directWith: UserID?
    /// How many people are in it, this user included.
    public let members: Int
    /// Some of them, for a title where there is none.
    public let people: [UserID]
    /// Time of the last activity.
    public let activityAt: Date
    /// The last message.
    public let last: Preview?
    /// Unread messages of others.
    public let unread: Int
    /// Whether it is left out of the total of what is unread.
    public let muted: Bool
    /// What somebody has begun to write.
    public let draft: String?

    /// For an app's own fakes.
    public init(
        state: ConversationState = .active, frozen: ErrorCode? = nil,
        behind: Bool = false, title: String? = nil, directWith: UserID? = nil, members: Int = 0,
        people: [UserID] = [], activityAt: Date, last: Preview? = nil, unread: Int = 0, muted: Bool = false,
        draft: String? = nil
    ) {
        self.state = state
        self.frozen = frozen
        self.behind = behind
        self.title = title
        self.directWith = directWith
        self.members = members
        self.people = people
        self.activityAt = activityAt
        self.last = last
        self.unread = unread
        self.muted = muted
        self.draft = draft
    }

    init(_ raw: CuroFFI.ConversationSummary) {
        state = ConversationState(raw.state)
        frozen = raw.frozen.map(ErrorCode.init(rawValue:))
        behind = raw.behind
        title = raw.title
        directWith = raw.directWith.map { UserID($0) }
        members = Int(raw.members)
        people = raw.people.map { UserID($0) }
        activityAt = Date(milliseconds: raw.activityMs)
        last = raw.last.map(Preview.init)
        unread = Int(raw.unread)
        muted = raw.muted
        draft = raw.draft
    }
}

/// The last message of a conversation, for its row.
public struct Preview: Hashable, Sendable, Redacted {
    /// What names its item in the timeline.
    public let key: ItemKey
    /// Who sent it.
    public let sender: UserID
    /// Whether this user did.
    public let own: Bool
    /// What it says.
    public let body: Body
    /// When the relay accepted it; none while it is unsent.
    public let acceptedAt: Date?
    /// How far it has come; of own messages only.
    public let delivery: DeliveryState?

    /// For an app's own fakes.
    public init(
        key: ItemKey, sender: UserID, own: Bool = false, body: Body, acceptedAt: Date? = nil,
        delivery: DeliveryState? = nil
    ) {
        self.key = key
        self.sender = sender
        self.own = own
        self.body = body
        self.acceptedAt = acceptedAt
        self.delivery = delivery
    }

    init(_ raw: CuroFFI.Preview) {
        key = ItemKey(raw.key)
        sender = UserID(raw.sender)
        own = raw.own
        body = Body(raw.body)
        acceptedAt = raw.acceptedMs.map(Date.init(milliseconds:))
        delivery = raw.delivery.map(DeliveryState.init)
    }
}
