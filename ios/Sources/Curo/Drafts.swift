import Foundation
internal import CuroFFI

/// What somebody has begun to write.
public struct SavedDraft: Hashable, Sendable, Redacted {
    /// The text.
    public let text: String
    /// When it was saved.
    public let savedAt: Date

    /// For an app's own fakes.
    public init(text: String, savedAt: Date) {
        self.text = text
        self.savedAt = savedAt
    }

    init(_ raw: CuroFFI.SavedDraft) {
        text = raw.text
        savedAt = Date(milliseconds: raw.savedMs)
    }
}

/// Drafts.
extension Conversation {
    /// What somebody has begun to write here, as ``setDraft(_:)`` has kept it; nil for nothing. Fails with `locked`.
    public func draft() async throws(CuroError) -> SavedDraft? {
        try await crossing { try await self.raw.draft() }.map { SavedDraft($0) }
    }
}
