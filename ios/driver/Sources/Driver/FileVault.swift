import Curo
import Foundation
import Glibc
import Synchronization

/// A vault in files that can be told to fail as those of phones do. For tests alone: whoever reads the wrapping key and a file
/// has the store.
///
/// `<folder>/<profile>.key` holds a nonce of 12 bytes, the key of 48 bytes and a check of 16 bytes, both hidden by ChaCha20
/// under the wrapping key: a file that was wrapped under another key is told from a good one.
final class FileVault: KeyVault {
    let mode: VaultMode
    private let folder: URL
    private let wrappingKey: [UInt8]
    private let refuses = Mutex<VaultFailure?>(nil)

    private static let nonceLength = 12
    private static let check = [UInt8](repeating: 0, count: 16)
    private static let length = nonceLength + 48 + check.count

    init(folder: String, mode: String) throws {
        switch mode {
        case "background": self.mode = .background
        case "user_presence": self.mode = .userPresence
        default: throw Fault("`mode` is background or user_presence")
        }
        self.folder = URL(fileURLWithPath: folder)
        do {
            try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
            wrappingKey = try Self.wrappingKey(in: self.folder)
        } catch {
            throw Fault("no vault: \(error)")
        }
    }

    /// What it answers from now on: `key`, or one of the four errors.
    func answer(_ how: String) throws {
        let failure: VaultFailure?
        switch how {
        case "key": failure = nil
        case "not_ready": failure = .notReady
        case "user_auth_needed": failure = .userAuthNeeded
        case "invalidated": failure = .invalidated
        case "missing": failure = .missing
        default: throw Fault("`answers` is key, not_ready, user_auth_needed, invalidated or missing")
        }
        refuses.withLock { $0 = failure }
    }

    func loadKey(_ profile: ProfileID) async throws -> StoreKey {
        try look()
        return try load(profile)
    }

    func createKey(_ profile: ProfileID) async throws -> StoreKey {
        try look()
        do {
            return try load(profile)
        } catch VaultFailure.missing {
            let key = try StoreKey.random()
            let nonce = Self.random(Self.nonceLength)
            let hidden = ChaCha20(key: wrappingKey, nonce: nonce).xor([UInt8](key.bytes) + Self.check)
            try Data(nonce + hidden).write(to: file(profile), options: .atomic)
            return key
        }
    }

    func destroyKey(_ profile: ProfileID) async throws {
        if unlink(file(profile).path) != 0 && errno != ENOENT {
            throw VaultFailure.notReady
        }
    }

    private func look() throws {
        if let failure = refuses.withLock({ $0 }) {
            throw failure
        }
    }

    private func load(_ profile: ProfileID) throws -> StoreKey {
        guard FileManager.default.fileExists(atPath: file(profile).path) else { throw VaultFailure.missing }
        let bytes = [UInt8](try Data(contentsOf: file(profile)))
        guard bytes.count == Self.length else { throw VaultFailure.invalidated }
        let cipher = ChaCha20(key: wrappingKey, nonce: [UInt8](bytes.prefix(Self.nonceLength)))
        let shown = cipher.xor([UInt8](bytes.dropFirst(Self.nonceLength)))
        guard [UInt8](shown.suffix(Self.check.count)) == Self.check else { throw VaultFailure.invalidated }
        return StoreKey(bytes: Data(shown.dropLast(Self.check.count)))
    }

    private func file(_ profile: ProfileID) -> URL {
        folder.appendingPathComponent("\(profile).key")
    }

    private static func random(_ count: Int) -> [UInt8] {
        var source = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &source) }
    }

    /// The 32 bytes of `wrapping.key`, made if absent. Linked when it is whole: another app of this phone may make it, too.
    private static func wrappingKey(in folder: URL) throws -> [UInt8] {
        let file = folder.appendingPathComponent("wrapping.key")
        if !FileManager.default.fileExists(atPath: file.path) {
            let whole = folder.appendingPathComponent("wrapping.\(UUID().uuidString)")
            try Data(random(32)).write(to: whole)
            chmod(whole.path, 0o600)
            link(whole.path, file.path)
            unlink(whole.path)
        }
        let key = [UInt8](try Data(contentsOf: file))
        guard key.count == 32 else { throw Fault("wrapping.key is not 32 bytes long") }
        return key
    }
}
