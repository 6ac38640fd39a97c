import Foundation
internal import CuroFFI

/// What every call fails with. Decide by ``code``; codes are an open set, so treat one that you do not know by
/// ``retryable``. It holds nothing of what people wrote and nothing of what a relay, a vault or a token provider said.
public struct CuroError: Error, Hashable, Sendable {
    /// The stable code.
    public let code: ErrorCode

    /// Whether the same call may succeed later without the user's help.
    public let retryable: Bool

    /// How long to wait before a retry, where the relay has said so.
    public let retryAfter: Duration?

    /// An error, for an app's own fakes.
    public init(code: ErrorCode, retryable: Bool = false, retryAfter: Duration? = nil) {
        self.code = code
        self.retryable = retryable
        self.retryAfter = retryAfter
    }
}

extension CuroError: CustomStringConvertible, LocalizedError {
    /// The code. Safe to log.
    public var description: String { "curo: \(code)" }

    /// The code. Not meant for people: what to tell them is the app's to choose, by the code.
    public var errorDescription: String? { description }
}

extension CuroError {
    /// Whatever the generated code can throw. A text that comes with it, as of a panic, is dropped.
    init(_ error: any Error) {
        switch error {
        case let error as CuroError:
            self = error
        case CuroFFI.CuroError.Failed(let code, let retryable, let retryAfterMs):
            self.init(
                code: ErrorCode(rawValue: code), retryable: retryable,
                retryAfter: retryAfterMs.map { .milliseconds($0) })
        case is CancellationError:
            self.init(code: .cancelled)
        default:
            self.init(code: .internal)
        }
    }

    init(_ failure: CuroFFI.Failure) {
        self.init(
            code: ErrorCode(rawValue: failure.code), retryable: failure.retryable,
            retryAfter: failure.retryAfterMs.map { .milliseconds($0) })
    }
}

/// Every code that the library underneath knows, for the test that compares.
func knownCodesOfTheLibrary() throws(CuroError) -> Set<String> {
    Set(try crossing { try CuroFFI.knownErrorCodes() }.map(\.code))
}
