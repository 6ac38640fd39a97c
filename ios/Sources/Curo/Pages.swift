import Foundation
internal import CuroFFI

/// One line of a conversation, read in a page: a message or something that happened.
public struct Item: Hashable, Sendable, Redacted {
    /// Its place, to read on from.
    public let cursor: Cursor
    /// When the relay accepted it; none while it is unsent.
    public let acceptedAt: Date?
    /// What it is.
    public let entry: Entry

    /// The message, where it is one.
    public var message: Message? {
        if case .message(let message) = entry { message } else { nil }
    }

    /// For an app's own fakes.
    public init(cursor: Cursor, acceptedAt: Date? = nil, entry: Entry) {
        self.cursor = cursor
        self.acceptedAt = acceptedAt
        self.entry = entry
    }

    init(_ raw: CuroFFI.Item) {
        cursor = Cursor(raw.cursor)
        acceptedAt = raw.acceptedMs.map(Date.init(milliseconds:))
        entry = Entry(raw.entry)
    }
}

/// Some items of a conversation, and where it goes on.
public struct Page: Hashable, Sendable, Redacted {
    /// In display order, the oldest first.
    public let items: [Item]
    /// Goes on to older items; nil if there are none.
    public let older: Cursor?
    /// Goes on to newer items; nil if there are none at the moment.
    public let newer: Cursor?

    /// For an app's own fakes.
    public init(items: [Item] = [], older: Cursor? = nil, newer: Cursor? = nil) {
        self.items = items
        self.older = older
        self.newer = newer
    }

    init(_ raw: CuroFFI.Page) {
        items = raw.items.map(Item.init)
        older = raw.older.map { Cursor($0) }
        newer = raw.newer.map { Cursor($0) }
    }
}

/// Reading in pages, for exports and tools; a screen shows a ``Timeline``. Every limit is 1 to 300. All fail with
/// `invalid_argument` for another one, and with `locked`.
extension Conversation {
    /// The newest items, the oldest of them first.
    public func latest(limit: Int = 50) async throws(CuroError) -> Page {
        Page(try await crossing { try await self.raw.latest(limit: Int64(limit)) })
    }

    /// Items before a place, the oldest first.
    public func before(_ place: Cursor, limit: Int = 50) async throws(CuroError) -> Page {
        Page(try await crossing { try await self.raw.before(cursor: place.rawValue, limit: Int64(limit)) })
    }

    /// Items after a place, the oldest first. Go on from an item that has been accepted.
    public func after(_ place: Cursor, limit: Int = 50) async throws(CuroError) -> Page {
        Page(try await crossing { try await self.raw.after(cursor: place.rawValue, limit: Int64(limit)) })
    }

    /// One message; nil if it is not here.
    public func message(_ message: MessageRef) async throws(CuroError) -> Item? {
        try await crossing { try await self.raw.message(message: message.raw) }.map { Item($0) }
    }

    /// The answers to a message.
    public func replies(to message: MessageRef, limit: Int = 50) async throws(CuroError) -> [Item] {
        try await crossing { try await self.raw.replies(message: message.raw, limit: Int64(limit)) }
            .map { Item($0) }
    }

    /// The newest messages of a thread without its first one, the oldest of them first.
    public func thread(of root: MessageRef, limit: Int = 50) async throws(CuroError) -> Page {
        Page(try await crossing { try await self.raw.thread(root: root.raw, limit: Int64(limit)) })
    }

    /// Messages of a thread before a place, the oldest first.
    public func threadBefore(_ place: Cursor, of root: MessageRef, limit: Int = 50) async throws(CuroError) -> Page {
        Page(
            try await crossing {
                try await self.raw.threadBefore(root: root.raw, cursor: place.rawValue, limit: Int64(limit))
            })
    }

    /// Messages of a thread after a place, the oldest first.
    public func threadAfter(_ place: Cursor, of root: MessageRef, limit: Int = 50) async throws(CuroError) -> Page {
        Page(
            try await crossing {
                try await self.raw.threadAfter(root: root.raw, cursor: place.rawValue, limit: Int64(limit))
            })
    }
}
