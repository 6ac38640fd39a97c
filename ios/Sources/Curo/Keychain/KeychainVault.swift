#if canImport(Security) && canImport(CryptoKit)
    import Foundation

    /// Keeps the stores' keys in the Keychain, wrapped by the Secure Enclave where there is one.
    ///
    /// Keys are readable after the first unlock since the device was started, on this device only: no backup and no other
    /// device has them. With ``VaultMode/userPresence`` each reading also wants the person, by face, finger or passcode.
    ///
    /// The Keychain survives the app: after the app was deleted and installed again, keys of stores that are gone are still
    /// there. They open nothing, and ``destroyKeys(except:)`` removes them.
    public struct KeychainVault: KeyVault {
        /// As given.
        public let mode: VaultMode
        private let keys: StoredKeys
        /// Reading a key may wait for a person: not on a thread that tasks need.
        private let queue = DispatchQueue(label: "health.curo.keychain", attributes: .concurrent)

        /// Keys under a service's name: one for each root folder of profiles. An app and its extensions share them by an access
        /// group, with the team's prefix, that all of them are entitled to.
        public init(
            service: String = "health.curo.store-keys", accessGroup: String? = nil, mode: VaultMode = .background
        ) {
            self.mode = mode
            let enclave = SecureEnclaveWrapper(mode: mode)
            let items = KeychainPasswords(
                service: service, accessGroup: accessGroup,
                // Where the enclave asks for the person, the item need not ask once more.
                asksForPerson: mode == .userPresence && enclave == nil)
            keys = StoredKeys(items: items, wrapper: enclave)
        }

        /// The key that is stored for this profile.
        public func loadKey(_ profile: ProfileID) async throws -> StoreKey {
            StoreKey(bytes: try await onQueue { try keys.load(profile.rawValue) })
        }

        /// Makes a new key for this profile, or returns the one that is stored already.
        public func createKey(_ profile: ProfileID) async throws -> StoreKey {
            StoreKey(bytes: try await onQueue { try keys.create(profile.rawValue) })
        }

        /// Destroys the key of this profile, for good.
        public func destroyKey(_ profile: ProfileID) async throws {
            try await onQueue { try keys.destroy(profile.rawValue) }
        }

        /// Destroys all keys of the service but these: what an earlier installation of the app has left behind. Call it before
        /// the first client is opened, with the profiles that ``Client/accounts(root:vault:)`` finds.
        public func destroyKeys(except profiles: Set<ProfileID>) async throws {
            let kept = Set(profiles.map(\.rawValue))
            try await onQueue { try keys.destroyAll(except: kept) }
        }

        private func onQueue<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
            try await withCheckedThrowingContinuation { continuation in
                queue.async { continuation.resume(with: Result { try work() }) }
            }
        }
    }
#endif
