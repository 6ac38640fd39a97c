import Foundation

// What a vault over a keychain does, without the keychain: compiled and tested on every platform.

/// The few things that a vault asks of a keychain. May block.
protocol KeychainItems: Sendable {
    /// What is stored under this name; nil for nothing.
    func read(_ name: String) throws(KeychainStatus) -> Data?
    /// Stores something new. Fails with ``KeychainStatus/duplicateItem`` where something is stored already.
    func add(_ name: String, _ record: Data) throws(KeychainStatus)
    /// Forgets what is stored under this name. Fails with ``KeychainStatus/itemNotFound`` where nothing is.
    func remove(_ name: String) throws(KeychainStatus)
    /// All names.
    func names() throws(KeychainStatus) -> [String]
}

/// A chip that wraps keys, so that what the keychain holds is of no use on another device. May block.
protocol KeyWrapper: Sendable {
    /// Fails with a ``VaultFailure``.
    func wrap(_ key: Data, name: String) throws(VaultFailure) -> WrappedKey
    /// Fails with ``VaultFailure/invalidated`` where it will never succeed.
    func unwrap(_ wrapped: WrappedKey, name: String) throws(VaultFailure) -> Data
}

/// The keys of a vault, in a keychain.
struct StoredKeys: Sendable {
    let items: any KeychainItems
    /// None on a device without such a chip.
    let wrapper: (any KeyWrapper)?

    func load(_ name: String) throws(VaultFailure) -> Data {
        guard let record = try asked({ () throws(KeychainStatus) in try items.read(name) }) else {
            throw .missing
        }
        return try key(in: record, name: name)
    }

    /// What is stored already is returned and never replaced, also when it cannot be read.
    func create(_ name: String) throws(VaultFailure) -> Data {
        if let record = try asked({ () throws(KeychainStatus) in try items.read(name) }) {
            return try key(in: record, name: name)
        }
        guard let key = try? StoreKey.random().bytes else { throw .notReady }
        let record: KeyRecord = if let wrapper { .wrapped(try wrapper.wrap(key, name: name)) } else { .plain(key) }
        do throws(KeychainStatus) {
            try items.add(name, record.encoded)
        } catch .duplicateItem {
            // Another process was first: its key is the one.
            return try load(name)
        } catch {
            throw error.vaultFailure
        }
        return key
    }

    func destroy(_ name: String) throws(VaultFailure) {
        do throws(KeychainStatus) {
            try items.remove(name)
        } catch .itemNotFound {
            return
        } catch {
            throw error.vaultFailure
        }
    }

    func destroyAll(except kept: Set<String>) throws(VaultFailure) {
        for name in try asked({ () throws(KeychainStatus) in try items.names() }) where !kept.contains(name) {
            try destroy(name)
        }
    }

    private func key(in record: Data, name: String) throws(VaultFailure) -> Data {
        let key: Data
        switch KeyRecord(record) {
        case .plain(let plain): key = plain
        case .wrapped(let wrapped):
            guard let wrapper else { throw .invalidated }
            key = try wrapper.unwrap(wrapped, name: name)
        case nil: throw .invalidated
        }
        guard key.count == KeyRecord.keyBytes else { throw .invalidated }
        return key
    }

    private func asked<T>(_ question: () throws(KeychainStatus) -> T) throws(VaultFailure) -> T {
        do throws(KeychainStatus) {
            return try question()
        } catch {
            throw error.vaultFailure
        }
    }
}
