internal import CuroFFI

/// Where a timeline begins.
public enum Start: Hashable, Sendable {
    /// At the first message of somebody else that is not read yet; at the newest, if all are read.
    case firstUnread
    /// At the newest item.
    case newest
    /// At one item, with others around it; at the newest, if it is not on this device.
    case at(ItemKey)

    var raw: CuroFFI.Start {
        switch self {
        case .firstUnread: .firstUnread
        case .newest: .newest
        case .at(let key): .at(key: key.rawValue)
        }
    }
}

/// A window over a conversation's items that follows the live end.
///
/// It is closed by ``close()``, and by itself when neither it nor one of its ``states`` is held any more.
public final class Timeline: Sendable {
    private let raw: CuroFFI.Timeline

    init(_ raw: CuroFFI.Timeline) {
        self.raw = raw
    }

    deinit {
        try? raw.end()
    }

    /// What to show: at most twenty states a second, each whole.
    public var states: Snapshots<TimelineState> {
        Snapshots { [self] in
            Source(
                pull: { [raw] after in
                    let snapshot = try await raw.next(after: after)
                    return Snapshot(revision: snapshot.revision, state: TimelineState(snapshot))
                },
                // Other consumers go on; holds the window open for this one.
                end: { withExtendedLifetime(self) {} })
        }
    }

    /// Loads older items; what is found comes with the next state.
    public func loadOlder() async throws(CuroError) {
        try await crossing { try await self.raw.loadOlder() }
    }

    /// Loads newer items; what is found comes with the next state.
    public func loadNewer() async throws(CuroError) {
        try await crossing { try await self.raw.loadNewer() }
    }

    /// Goes to one item, with others around it. Fails with `unknown` where it is not on this device.
    public func jump(to key: ItemKey) async throws(CuroError) {
        try await crossing { try await self.raw.jumpTo(key: key.rawValue) }
    }

    /// Goes to the live end.
    public func jumpToNewest() async throws(CuroError) {
        try await crossing { try await self.raw.jumpToNewest() }
    }

    /// Closes the timeline and ends its ``states``. Harmless to repeat.
    public func close() {
        try? raw.end()
    }
}

/// What a timeline shows.
public struct TimelineState: Hashable, Sendable, Redacted {
    /// Whether the client is locked. There are no items then.
    public let locked: Bool
    /// At most 300 items in display order, the oldest first. One with the same key and revision as before is unchanged.
    public let items: [TimelineItem]
    /// What lies before the first.
    public let older: Edge
    /// What lies behind the last.
    public let newer: Edge
    /// Messages of others that have come and are not in the window; 1,000 means as many or more.
    public let newBelow: Int
    /// The item that was asked for by the start or the last jump: where a screen begins.
    public let anchor: ItemKey?

    /// For an app's own fakes.
    public init(
        locked: Bool = false, items: [TimelineItem] = [], older: Edge = .end, newer: Edge = .end, newBelow: Int = 0,
        anchor: ItemKey? = nil
    ) {
        self.locked = locked
        self.items = items
        self.older = older
        self.newer = newer
        self.newBelow = newBelow
        self.anchor = anchor
    }

    init(_ raw: CuroFFI.TimelineSnapshot) {
        locked = raw.locked
        items = raw.items.map(TimelineItem.init)
        older = Edge(raw.older)
        newer = Edge(raw.newer)
        newBelow = Int(raw.newBelow)
        anchor = raw.anchor.map { ItemKey($0) }
    }
}
