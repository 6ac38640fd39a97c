import Foundation

/// What work has come to when its time was over. Whoever waits is answered once, on time, whatever becomes of the work.
enum Finished<Outcome: Sendable>: Sendable {
    case done(Outcome)
    case failed
    case late
}

/// Does the work for at most so long. The work is cancelled then, and not waited for.
func within<Outcome: Sendable>(
    _ time: Duration,
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
    _ work: @escaping @Sendable () async throws -> Outcome
) async -> Finished<Outcome> {
    let answer = Once<Finished<Outcome>>()
    let worker = Task {
        do {
            answer.give(.done(try await work()))
        } catch {
            answer.give(.failed)
        }
    }
    let alarm = Task {
        // One who is told not to wait any more is too late as well: nobody else would answer.
        try? await sleep(time)
        answer.give(.late)
    }
    let finished = await answer.taken()
    worker.cancel()
    alarm.cancel()
    return finished
}

/// Something that is given once, and taken by one: what comes later is dropped.
final class Once<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value?
    private var waiter: CheckedContinuation<Value, Never>?

    /// Whether this was the first.
    @discardableResult
    func give(_ given: Value) -> Bool {
        let (first, waiting) = lock.withLock {
            let first = value == nil
            if first {
                value = given
            }
            defer { if first { waiter = nil } }
            return (first, first ? waiter : nil)
        }
        waiting?.resume(returning: given)
        return first
    }

    func taken() async -> Value {
        await withCheckedContinuation { continuation in
            let given = lock.withLock {
                if value == nil {
                    waiter = continuation
                }
                return value
            }
            if let given {
                continuation.resume(returning: given)
            }
        }
    }
}
