#if canImport(Security) && canImport(CryptoKit)
    import Foundation
    import Security

    /// Generic passwords of one service in the Keychain of this device.
    struct KeychainPasswords: KeychainItems {
        let service: String
        let accessGroup: String?
        /// Whether reading an item wants the person.
        let asksForPerson: Bool

        func read(_ name: String) throws(KeychainStatus) -> Data? {
            var query = query(name)
            query[kSecReturnData] = true
            query[kSecMatchLimit] = kSecMatchLimitOne
            var found: CFTypeRef?
            let status = KeychainStatus(code: SecItemCopyMatching(query as CFDictionary, &found))
            if status == .itemNotFound {
                return nil
            }
            try check(status)
            return found as? Data
        }

        func add(_ name: String, _ record: Data) throws(KeychainStatus) {
            var item = query(name)
            item[kSecValueData] = record
            if asksForPerson {
                let access = SecAccessControlCreateWithFlags(
                    nil, kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly, .userPresence, nil)
                guard let access else { throw .authFailed }
                item[kSecAttrAccessControl] = access
            } else {
                item[kSecAttrAccessible] = kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly
            }
            try check(KeychainStatus(code: SecItemAdd(item as CFDictionary, nil)))
        }

        func remove(_ name: String) throws(KeychainStatus) {
            try check(KeychainStatus(code: SecItemDelete(query(name) as CFDictionary)))
        }

        func names() throws(KeychainStatus) -> [String] {
            var query = query(nil)
            query[kSecReturnAttributes] = true
            query[kSecMatchLimit] = kSecMatchLimitAll
            var found: CFTypeRef?
            let status = KeychainStatus(code: SecItemCopyMatching(query as CFDictionary, &found))
            if status == .itemNotFound {
                return []
            }
            try check(status)
            let items = found as? [[String: Any]] ?? []
            return items.compactMap { $0[kSecAttrAccount as String] as? String }
        }

        private func query(_ name: String?) -> [CFString: Any] {
            var query: [CFString: Any] = [
                kSecClass: kSecClassGenericPassword,
                kSecAttrService: service,
                kSecAttrSynchronizable: false,
                kSecUseDataProtectionKeychain: true,
            ]
            query[kSecAttrAccount] = name
            query[kSecAttrAccessGroup] = accessGroup
            return query
        }

        private func check(_ status: KeychainStatus) throws(KeychainStatus) {
            if status.code != errSecSuccess {
                throw status
            }
        }
    }
#endif
