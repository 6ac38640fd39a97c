import Foundation
internal import CuroFFI

/// The key of a store: 48 random bytes that a ``KeyVault`` makes, keeps and gives to the library.
///
/// No textual form shows it. Swift cannot wipe a value that may have been copied, so hold it no longer than storing it takes.
public struct StoreKey: Hashable, Sendable, Redacted {
    /// How many bytes a key has: 48.
    public static let size = 48

    /// The key itself, for a vault to seal and to store.
    public let bytes: Data

    /// A key that was stored. Bytes of another number than ``size`` are no key: the library takes them for
    /// ``VaultFailure/notReady``.
    public init(bytes: Data) {
        self.bytes = bytes
    }

    /// A new random key. Fails with `internal` where the system has no randomness to give.
    public static func random() throws(CuroError) -> StoreKey {
        StoreKey(bytes: try crossing { try CuroFFI.newStoreKey() })
    }
}
