import Foundation

/// States for an app's own fakes and previews: ``snapshots`` show what is published here as the library's show theirs.
///
/// A client and what comes from it are classes, so that a call on them is what it says. To fake them, an app declares a protocol
/// of the calls that it makes, extends ``Conversation`` and its likes to conform, and lets its fake answer from values that it makes.
public final class SnapshotSource<Element: Sendable>: Sendable {
    private let hub: Hub<Element>

    /// Begins with this state.
    public init(_ state: Element) {
        hub = Hub(state)
    }

    /// What is published, for any number of tasks.
    public var snapshots: Snapshots<Element> {
        Snapshots { [hub] in
            let seat = Seat<Element>()
            return Source(
                pull: { after in
                    try await withCheckedThrowingContinuation { hub.wait(for: after, at: seat, $0) }
                },
                end: { hub.leave(seat) })
        }
    }

    /// Takes the place of the state before.
    public func publish(_ state: Element) {
        hub.publish(state)
    }

    /// Ends all sequences, as closing a client does.
    public func finish() {
        hub.finish()
    }
}

/// One consumer. Its fields are the hub's, under the hub's lock.
private final class Seat<Element: Sendable>: @unchecked Sendable {
    fileprivate var waiter: CheckedContinuation<Snapshot<Element>, any Error>?
    fileprivate var hasLeft = false
}

/// The newest state, and who waits for a newer one. Nobody is resumed under the lock.
private final class Hub<Element: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var newest: Snapshot<Element>
    private var isFinished = false
    private var waiting: [ObjectIdentifier: Seat<Element>] = [:]

    init(_ state: Element) {
        newest = Snapshot(revision: 1, state: state)
    }

    func publish(_ state: Element) {
        let (snapshot, woken) = lock.withLock {
            newest = Snapshot(revision: newest.revision + 1, state: state)
            return (newest, takeWaiters())
        }
        for waiter in woken {
            waiter.resume(returning: snapshot)
        }
    }

    func finish() {
        let woken = lock.withLock {
            isFinished = true
            return takeWaiters()
        }
        for waiter in woken {
            waiter.resume(throwing: CuroError(code: .closed))
        }
    }

    func wait(
        for after: Int64, at seat: Seat<Element>, _ waiter: CheckedContinuation<Snapshot<Element>, any Error>
    ) {
        let answer: Result<Snapshot<Element>, any Error>? = lock.withLock {
            if isFinished || seat.hasLeft {
                return .failure(CuroError(code: .closed))
            }
            if newest.revision > after {
                return .success(newest)
            }
            seat.waiter = waiter
            waiting[ObjectIdentifier(seat)] = seat
            return nil
        }
        if let answer {
            waiter.resume(with: answer)
        }
    }

    /// Also wakes a wait that a cancelled task has left behind, whether it has begun already or not.
    func leave(_ seat: Seat<Element>) {
        let left = lock.withLock {
            seat.hasLeft = true
            waiting[ObjectIdentifier(seat)] = nil
            defer { seat.waiter = nil }
            return seat.waiter
        }
        left?.resume(throwing: CancellationError())
    }

    private func takeWaiters() -> [CheckedContinuation<Snapshot<Element>, any Error>] {
        let taken = waiting.values.compactMap { seat in
            defer { seat.waiter = nil }
            return seat.waiter
        }
        waiting = [:]
        return taken
    }
}
