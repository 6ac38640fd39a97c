/// What a keychain answers where it does not do what it was asked: the `OSStatus` of Security.
struct KeychainStatus: Error, Equatable {
    let code: Int32

    /// errSecDuplicateItem
    static let duplicateItem = KeychainStatus(code: -25299)
    /// errSecItemNotFound
    static let itemNotFound = KeychainStatus(code: -25300)
    /// errSecInteractionNotAllowed: the device is locked, or a prompt cannot be shown.
    static let interactionNotAllowed = KeychainStatus(code: -25308)
    /// errSecAuthFailed
    static let authFailed = KeychainStatus(code: -25293)
    /// errSecUserCanceled
    static let userCanceled = KeychainStatus(code: -128)

    /// What the client is told. What is not known may pass: nothing is given up for it.
    var vaultFailure: VaultFailure {
        switch self {
        case .itemNotFound: .missing
        case .authFailed, .userCanceled: .userAuthNeeded
        default: .notReady
        }
    }

    /// For `catch .duplicateItem`.
    static func ~= (pattern: KeychainStatus, status: KeychainStatus) -> Bool {
        pattern == status
    }
}
