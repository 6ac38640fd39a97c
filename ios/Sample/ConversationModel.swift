import Curo

/// What a conversation's screen shows and does, without a screen. Tests drive it as SwiftUI does.
@MainActor
public final class ConversationModel {
    /// What is on the screen.
    public struct Screen: Equatable, Sendable, Redacted {
        public var title = ""
        public var items: [TimelineItem] = []
        public var locked = false
        /// Whether there is more above, and a spinner to show.
        public var older = Edge.end
        /// For the button that goes down.
        public var newBelow = 0
        /// What the person has begun to write.
        public var draft = ""
        /// What went wrong last, for a line that goes away by itself.
        public var problem: ErrorCode?
    }

    /// What is on the screen now.
    public private(set) var screen = Screen() {
        didSet {
            if screen != oldValue { changed() }
        }
    }

    /// Called after each change.
    public var changed: () -> Void = {}

    private var isSending = false
    /// Whether the draft on the screen is newer than the one in the store.
    private var written = false
    /// The draft that is being kept.
    private var keeping: Task<Void, any Error>?
    private let conversation: Conversation
    private let timeline: Timeline

    /// Shows a conversation, from its first unread message on.
    public init(_ conversation: Conversation) throws {
        self.conversation = conversation
        timeline = try conversation.timeline()
    }

    /// Follows the conversation until the task is cancelled, as SwiftUI's `task` does when the screen goes away; again when it comes
    /// back.
    public func follow() async {
        async let head: Void = followHead()
        async let items: Void = followItems()
        _ = await (head, items)
    }

    /// Keeps what the person has begun to write.
    public func write(_ text: String) async {
        await trying { try await self.keep(text) }
    }

    /// Sends the draft, once however often it is tapped. It is on the screen at once, also without a network.
    public func send() async {
        let text = screen.draft
        guard !text.isEmpty, !isSending else { return }
        isSending = true
        defer { isSending = false }
        await trying {
            try await self.conversation.send(text)
            // What was written meanwhile stays.
            if self.screen.draft == text {
                try await self.keep("")
            }
        }
    }

    /// Tries again what has failed.
    public func retry(_ message: Message) async {
        await trying { try await self.conversation.retry(message.reference.message.intent) }
    }

    /// The person has scrolled to the top.
    public func loadOlder() async {
        guard screen.older == .more else { return }
        await trying { try await self.timeline.loadOlder() }
    }

    /// The person has tapped the button that goes down.
    public func goDown() async {
        await trying { try await self.timeline.jumpToNewest() }
    }

    /// A message has come into sight: what is before it counts as read.
    public func saw(_ message: Message) async {
        guard !message.own else { return }
        await trying { try await self.conversation.markRead(upTo: message.reference) }
    }

    private func followHead() async {
        for await info in conversation.states {
            screen.title = info?.title ?? ""
        }
    }

    private func followItems() async {
        for await state in timeline.states {
            screen.items = state.items
            screen.locked = state.locked
            screen.older = state.older
            screen.newBelow = state.newBelow
            if !state.locked && !written { await trying { try await self.restoreDraft() } }
        }
    }

    /// Shows what was begun before this screen was there, unless something new is.
    private func restoreDraft() async throws {
        let kept = try await conversation.draft()?.text ?? ""
        if !written { screen.draft = kept }
        written = true
    }

    private func keep(_ text: String) async throws {
        written = true
        screen.draft = text
        let before = keeping
        // One after the other, and of several that wait the newest alone.
        let task = Task {
            _ = await before?.result
            if self.screen.draft == text { try await self.conversation.setDraft(text) }
        }
        keeping = task
        try await task.value
    }

    private func trying(_ call: () async throws -> Void) async {
        do {
            try await call()
            screen.problem = nil
        } catch {
            screen.problem = (error as? CuroError)?.code ?? .internal
        }
    }
}
