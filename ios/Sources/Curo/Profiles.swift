import Foundation
internal import CuroFFI

/// A profile of this installation.
public struct ProfileEntry: Hashable, Sendable, Identifiable, Redacted {
    /// Its id: ``profile``.
    public var id: ProfileID { profile }
    /// Its id: what ``ClientOptions/profile`` opens.
    public let profile: ProfileID
    /// Whose it is.
    public let owner: ProfileOwner

    /// For an app's own fakes.
    public init(profile: ProfileID, owner: ProfileOwner) {
        self.profile = profile
        self.owner = owner
    }

    init(_ raw: CuroFFI.ProfileEntry) {
        profile = ProfileID(raw.profile)
        owner = ProfileOwner(raw.owner)
    }
}

/// Whose a profile is.
public enum ProfileOwner: Hashable, Sendable, Redacted {
    /// A person's, and what the app has called it.
    case account(Account, label: String?)
    /// Nobody has signed in yet.
    case nobody
    /// The vault does not say now, and why.
    case hidden(ErrorCode)
    /// Its key is gone: nothing can be read any more. Erase it.
    case lost
    /// Something of a later version.
    case other

    init(_ raw: CuroFFI.ProfileOwner) {
        self =
            switch raw {
            case .person(let account, let label): .account(Account(account), label: label)
            case .nobody: .nobody
            case .hidden(let code): .hidden(ErrorCode(rawValue: code))
            case .lost: .lost
            case .other: .other
            }
    }
}

/// A device that several people share has a profile for each of them.
extension Client {
    /// The profiles below a folder, whether they are open or not. Asks the vault for their keys and opens no store. Fails for
    /// the file system.
    public static func accounts(root: URL, vault: any KeyVault) async throws(CuroError) -> [ProfileEntry] {
        let vault = AppVault(vault)
        return try await crossing { try await CuroFFI.accounts(root: root.path, vault: vault) }
            .map { ProfileEntry($0) }
    }

    /// Destroys a profile that is not open: one whose key is gone, or whose erase was interrupted. Harmless to repeat. Fails
    /// with `busy` while it is open somewhere, and as ``erase()`` does.
    public static func eraseProfile(
        root: URL, profile: ProfileID, vault: any KeyVault
    ) async throws(CuroError) {
        let vault = AppVault(vault)
        try await crossing {
            try await CuroFFI.eraseProfile(root: root.path, profile: profile.rawValue, vault: vault)
        }
    }

    /// The profile for which a push with this token is meant; nil if there is none here.
    public static func profileOfPush(
        root: URL, vault: any KeyVault, token: String
    ) async throws(CuroError) -> ProfileID? {
        let vault = AppVault(vault)
        return try await crossing {
            try await CuroFFI.profileOfPush(root: root.path, vault: vault, token: token)
        }.map { ProfileID($0) }
    }

    /// What a list of profiles calls this one: a name that the person's colleagues know, never a patient's. At most 128
    /// bytes; nil takes it away. Fails with `sign_in_needed` before the first sign-in, `invalid_argument`, `locked`.
    public func setProfileLabel(_ label: String?) async throws(CuroError) {
        try await crossing { try await self.raw.setProfileLabel(label: label) }
    }

    /// Gives the whole store a new key. It finishes, or is finished at the next opening. Fails with `busy`, `storage_full`,
    /// `locked`, and for the vault.
    public func rekey() async throws(CuroError) {
        try await crossing { try await self.raw.rekey() }
    }
}
