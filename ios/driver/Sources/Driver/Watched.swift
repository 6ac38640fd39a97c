import Curo
import Synchronization

/// A sequence of the library, as the protocol pulls it. Like an app that draws a state before it wants the next one, it takes
/// one from the sequence only when it is asked for: what is shown is never older than the question.
///
/// The API has no revisions here: states are counted as they come.
final class Watched: Sendable {
    /// What a screen can do with it, if it is a window.
    enum Window: Sendable {
        case timeline(Timeline, Conversation)
        case list(ConversationList)
        case none
    }

    let window: Window
    private let held = Mutex(Held())
    private let ask: AsyncStream<Void>.Continuation

    private struct Held {
        var revision: Int64 = 0
        /// Shaped by whoever asks for it.
        var newest: (@Sendable () -> JSON)?
        /// A state was asked for and has not come yet.
        var isPulling = false
        var ended = false
        var waiting: [ObjectIdentifier: CheckedContinuation<Void, Never>] = [:]
    }

    init<State>(_ states: Snapshots<State>, window: Window = .none, shape: @escaping @Sendable (State) -> JSON) {
        self.window = window
        let (asked, ask) = AsyncStream.makeStream(of: Void.self)
        self.ask = ask
        let task = Task.detached { [weak self] in
            var asked = asked.makeAsyncIterator()
            guard await asked.next() != nil else { return }
            for await state in states {
                self?.note { shape(state) }
                guard await asked.next() != nil else { return }
            }
            self?.note(nil)
        }
        ask.onTermination = { _ in task.cancel() }
    }

    deinit {
        end()
    }

    /// Lets go of it.
    func end() {
        ask.finish()
    }

    /// The newest state, as soon as it is newer than `after`; null if that takes longer than `wait`, which loses nothing. Fails
    /// with `closed` when the sequence has ended.
    func next(after: Int64, wait: Duration) async throws -> JSON {
        let patience = Patience()
        let alarm = Task.detached { [weak self] in
            // Ends early when nobody waits any more.
            try? await Task.sleep(for: wait)
            patience.end()
            self?.wake(patience)
        }
        defer { alarm.cancel() }
        while true {
            let (revision, newest, ended) = held.withLock { ($0.revision, $0.newest, $0.ended) }
            if revision > after, let newest {
                return newest().with(["revision": .number(revision)])
            }
            if ended {
                throw CuroError(code: .closed)
            }
            if patience.isOver {
                return nil
            }
            await withCheckedContinuation { continuation in
                let (waits, asks) = held.withLock { held -> (Bool, Bool) in
                    if held.revision > after || held.ended || patience.isOver {
                        return (false, false)
                    }
                    held.waiting[ObjectIdentifier(patience)] = continuation
                    defer { held.isPulling = true }
                    return (true, !held.isPulling)
                }
                if asks {
                    ask.yield()
                }
                if !waits {
                    continuation.resume()
                }
            }
        }
    }

    /// What has come; nil: nothing more will.
    private func note(_ newest: (@Sendable () -> JSON)?) {
        let woken = held.withLock { held in
            if let newest {
                held.newest = newest
                held.revision += 1
            } else {
                held.ended = true
            }
            held.isPulling = false
            defer { held.waiting = [:] }
            return held.waiting
        }
        woken.values.forEach { $0.resume() }
    }

    private func wake(_ patience: Patience) {
        held.withLock { $0.waiting.removeValue(forKey: ObjectIdentifier(patience)) }?.resume()
    }
}

/// Whether somebody has waited as long as they wanted.
private final class Patience: Sendable {
    private let over = Atomic(false)

    var isOver: Bool { over.load(ordering: .acquiring) }

    func end() {
        over.store(true, ordering: .releasing)
    }
}
