import Foundation

// What every call into the library passes through. Nothing in here is public.

/// A call that answers at once: its error becomes the public one.
func crossing<T>(_ call: () throws -> T) throws(CuroError) -> T {
    do {
        return try call()
    } catch {
        throw CuroError(error)
    }
}

/// A call that takes time: its error becomes the public one. It finishes whatever becomes of the calling task, because the
/// library finishes what it has entered: a cancelled task still learns what came of it.
func crossing<T: Sendable>(_ call: @Sendable () async throws -> T) async throws(CuroError) -> T {
    do {
        return try await call()
    } catch {
        throw CuroError(error)
    }
}

/// A wait that changes nothing: it is given up as soon as the calling task is cancelled, with `cancelled`.
func waiting<T: Sendable>(_ wait: @escaping @Sendable () async throws -> T) async throws(CuroError) -> T {
    let race = Race<T>()
    do {
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard race.begin(continuation) else { return }
                Task {
                    do {
                        race.settle(.success(try await wait()))
                    } catch {
                        race.settle(.failure(error))
                    }
                }
            }
        } onCancel: {
            race.settle(.failure(CancellationError()))
        }
    } catch {
        throw CuroError(error)
    }
}

/// Resumes a waiting task once, with what comes first: the answer or the cancellation. The lock is held for no call.
private final class Race<T: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var waiter: CheckedContinuation<T, any Error>?
    private var settled: Result<T, any Error>?

    /// Whether there is anything to wait for: a task may be cancelled before it begins.
    func begin(_ continuation: CheckedContinuation<T, any Error>) -> Bool {
        let already = lock.withLock {
            if settled == nil {
                waiter = continuation
            }
            return settled
        }
        if let already {
            continuation.resume(with: already)
        }
        return already == nil
    }

    func settle(_ result: Result<T, any Error>) {
        let waiting = lock.withLock {
            defer { waiter = nil }
            if settled == nil {
                settled = result
            }
            return waiter
        }
        waiting?.resume(with: result)
    }
}

extension Date {
    /// Milliseconds since 1970 UTC, as the library counts.
    init(milliseconds: Int64) {
        self.init(timeIntervalSince1970: Double(milliseconds) / 1000)
    }
}

extension Duration {
    /// Whole milliseconds; one that does not fit is as long as can be. Negative ones are the library's to refuse.
    var inMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, over) = seconds.multipliedReportingOverflow(by: 1000)
        let (all, overAll) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        if over || overAll {
            return seconds < 0 ? .min : .max
        }
        return all
    }
}
