internal import CuroFFI

/// Where access tokens (RFC 9068, for the relay's audience) come from. It has 30 seconds; throwing says that only the user can
/// help, and the session asks for a sign-in. What is thrown is dropped, text and all. Called from any thread.
public typealias TokenProvider = @Sendable (TokenReason) async throws -> String

/// Why a token is asked for.
public enum TokenReason: Hashable, Sendable {
    /// There is none yet; one that the app holds will do.
    case first
    /// The relay has refused the last one: a fresh one is needed.
    case refused
    /// The session has lasted as long as it may: the person must authenticate again (OpenID Connect: `prompt=login` or
    /// `max_age`). A token that was refreshed in silence will not do.
    case sessionOver
}

/// The app's token provider, as the library calls it: it returns at once, and answers when the app has.
final class AppTokens: CuroFFI.TokenProvider, Sendable {
    private let provider: TokenProvider

    init(_ provider: @escaping TokenProvider) {
        self.provider = provider
    }

    func token(reason: CuroFFI.TokenReason, reply: CuroFFI.TokenReply) throws {
        let reason: TokenReason =
            switch reason {
            case .first: .first
            case .refused: .refused
            case .sessionOver: .sessionOver
            }
        Task { [provider] in
            do {
                let token = try await provider(reason)
                _ = try? reply.complete(token: token)
            } catch {
                _ = try? reply.fail()
            }
        }
    }
}
