internal import CuroFFI

/// Keeps the keys of the stores on this device.
///
/// A method may show a prompt where ``mode`` is ``VaultMode/userPresence``, and has two minutes to return. Methods are called
/// from any thread, several at a time. What they throw is a ``VaultFailure``; any other error counts as
/// ``VaultFailure/notReady``, and its text is dropped.
public protocol KeyVault: Sendable {
    /// When it may be asked. Asked for once; always the same.
    var mode: VaultMode { get }

    /// The key that is stored for this profile.
    func loadKey(_ profile: ProfileID) async throws -> StoreKey

    /// Makes a new key (see ``StoreKey/random()``), stores it durably and returns it. If one is stored for this profile already,
    /// returns that one and changes nothing; one that cannot be read is a failure and is never replaced.
    func createKey(_ profile: ProfileID) async throws -> StoreKey

    /// Destroys the key that is stored for this profile, for good. Without one, returns.
    func destroyKey(_ profile: ProfileID) async throws
}

/// When a vault may be asked.
public enum VaultMode: Hashable, Sendable {
    /// Whenever the device has been unlocked since it was started: also for background work while the app is locked.
    case background
    /// Only with the user in front: asking may show a prompt, so background work does not ask.
    case userPresence
}

/// Why a vault has no key to give. There are no other reasons.
public enum VaultFailure: Error, Hashable, Sendable {
    /// It cannot be read now, for instance before the first unlock after a boot. Asked again later.
    case notReady
    /// The user must authenticate first.
    case userAuthNeeded
    /// The key was there and can never be read again.
    case invalidated
    /// No key is stored for this profile.
    case missing
}

/// The app's vault, as the library calls it: it returns at once, and answers when the app has.
final class AppVault: CuroFFI.KeyVault, Sendable {
    private let vault: any KeyVault

    init(_ vault: any KeyVault) {
        self.vault = vault
    }

    func mode() throws -> CuroFFI.VaultMode {
        switch vault.mode {
        case .background: .background
        case .userPresence: .userPresence
        }
    }

    func loadKey(name: String, reply: CuroFFI.KeyReply) throws {
        answer(reply) { vault in try await vault.loadKey(ProfileID(name)) }
    }

    func createKey(name: String, reply: CuroFFI.KeyReply) throws {
        answer(reply) { vault in try await vault.createKey(ProfileID(name)) }
    }

    func destroyKey(name: String, reply: CuroFFI.DoneReply) throws {
        Task { [vault] in
            do {
                try await vault.destroyKey(ProfileID(name))
                _ = try? reply.complete()
            } catch {
                _ = try? reply.fail(reason: CuroFFI.VaultFailure(error))
            }
        }
    }

    private func answer(
        _ reply: CuroFFI.KeyReply, _ ask: @escaping @Sendable (any KeyVault) async throws -> StoreKey
    ) {
        Task { [vault] in
            do {
                let key = try await ask(vault)
                // A key of another length is refused: the vault has none to give.
                if (try? reply.complete(key: key.bytes)) == nil {
                    throw VaultFailure.notReady
                }
            } catch {
                _ = try? reply.fail(reason: CuroFFI.VaultFailure(error))
            }
        }
    }
}

extension CuroFFI.VaultFailure {
    fileprivate init(_ error: any Error) {
        switch error as? VaultFailure {
        case .userAuthNeeded: self = .userAuthNeeded
        case .invalidated: self = .invalidated
        case .missing: self = .missing
        case .notReady, nil: self = .notReady
        }
    }
}
