import Foundation
internal import CuroFFI

/// An opaque place in what a search has found.
public struct SearchCursor: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    /// The place as text.
    public let rawValue: String

    /// The place with this text.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// The place as text.
    public var description: String { rawValue }
}

/// Some messages that were found, and where it goes on.
public struct SearchPage: Hashable, Sendable, Redacted {
    /// What was found, the newest first.
    public let hits: [Hit]
    /// Goes on to older ones; nil if there are none.
    public let next: SearchCursor?

    /// For an app's own fakes.
    public init(hits: [Hit] = [], next: SearchCursor? = nil) {
        self.hits = hits
        self.next = next
    }

    init(_ raw: CuroFFI.SearchPage) {
        hits = raw.hits.map(Hit.init)
        next = raw.next.map(SearchCursor.init(rawValue:))
    }
}

/// A message that was found.
public struct Hit: Hashable, Sendable, Redacted {
    /// The conversation.
    public let conversation: ConversationID
    /// The message.
    public let message: MessageRef
    /// Its place in the conversation.
    public let cursor: Cursor
    /// Who sent it.
    public let sender: UserID?
    /// When the relay accepted it.
    public let acceptedAt: Date?
    /// The part of its text around the first find, at most 240 characters.
    public let snippet: String
    /// Where in ``snippet`` stands what was sought, in order, none overlapping: offsets in its `utf16` view.
    public let highlights: [Range<Int>]

    /// For an app's own fakes.
    public init(
        conversation: ConversationID, message: MessageRef, cursor: Cursor, sender: UserID? = nil,
        acceptedAt: Date? = nil, snippet: String, highlights: [Range<Int>] = []
    ) {
        self.conversation = conversation
        self.message = message
        self.cursor = cursor
        self.sender = sender
        self.acceptedAt = acceptedAt
        self.snippet = snippet
        self.highlights = highlights
    }

    init(_ raw: CuroFFI.Hit) {
        conversation = ConversationID(raw.conversation)
        message = MessageRef(raw.message)
        cursor = Cursor(raw.cursor)
        sender = raw.sender.map { UserID($0) }
        acceptedAt = raw.acceptedMs.map(Date.init(milliseconds:))
        snippet = raw.snippet
        highlights = raw.highlights.map { Int($0.start)..<max(Int($0.start), Int($0.end)) }
    }
}

/// Searching on this device: the relay is not asked, and learns of nothing.
extension Client {
    /// Messages that hold every word of the query, in all conversations, the newest first; at most `limit`, 1 to 100. A word
    /// is found as it stands and as the beginning of a longer one, whatever the case and the accents.
    ///
    /// Fails with `invalid_argument` (a query over 256 bytes, the limit), `locked`.
    public func search(
        _ query: String, after place: SearchCursor? = nil, limit: Int = 50
    ) async throws(CuroError) -> SearchPage {
        SearchPage(
            try await crossing {
                try await self.raw.search(query: query, after: place?.rawValue, limit: Int64(limit))
            })
    }
}

/// Searching in one conversation.
extension Conversation {
    /// Messages of this conversation that hold every word of the query. As ``Client/search(_:after:limit:)``.
    public func search(
        _ query: String, after place: SearchCursor? = nil, limit: Int = 50
    ) async throws(CuroError) -> SearchPage {
        SearchPage(
            try await crossing {
                try await self.raw.search(query: query, after: place?.rawValue, limit: Int64(limit))
            })
    }
}
