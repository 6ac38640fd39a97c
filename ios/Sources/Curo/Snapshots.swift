/// What there is to show, as it changes: the newest state at once, then each newer one.
///
/// States are conflated. A slow consumer misses those in between, never the last; nothing is buffered, so any number of
/// tasks may iterate, each at its own pace, and stopping loses nothing. The sequence ends when the task is cancelled, when
/// the client (or the timeline) is closed, and when the profile is erased; ``Client/session`` says which it was.
///
/// States follow the store: right after a call has returned, the newest state may still be the one from before it.
public struct Snapshots<Element: Sendable>: AsyncSequence, Sendable {
    let open: @Sendable () throws -> Source<Element>

    /// Pulls the states one after the other.
    public struct AsyncIterator: AsyncIteratorProtocol {
        var source: Source<Element>?
        var revision: Int64 = 0

        /// The next newer state; the first one at once.
        public mutating func next() async -> Element? {
            guard let source else { return nil }
            let after = revision
            let pull = source.pull
            do {
                let newer = try await waiting { try await pull(after) }
                revision = newer.revision
                return newer.state
            } catch {
                self.source = nil
                source.end()
                return nil
            }
        }
    }

    /// Begins with the newest state.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(source: try? open())
    }

    /// The newest state alone.
    public func current() async throws(CuroError) -> Element {
        let source = try crossing { try open() }
        let pull = source.pull
        defer { source.end() }
        return try await waiting { try await pull(0) }.state
    }
}

/// A state and the number that asks for a newer one.
struct Snapshot<State: Sendable>: Sendable {
    let revision: Int64
    let state: State
}

/// One consumer's way to a stream of the library. What a consumer alone has is ended with it, which wakes a pull that was
/// left behind by a cancelled task.
final class Source<State: Sendable>: Sendable {
    /// The newest state, as soon as its revision is another one. Must not keep alive what `end` ends.
    let pull: @Sendable (Int64) async throws -> Snapshot<State>
    let end: @Sendable () -> Void

    init(
        pull: @escaping @Sendable (Int64) async throws -> Snapshot<State>,
        end: @escaping @Sendable () -> Void
    ) {
        self.pull = pull
        self.end = end
    }

    deinit {
        end()
    }
}
