internal import CuroFFI

/// How many threads the library may use.
public enum RuntimeProfile: Hashable, Sendable {
    /// An app: as many workers as there are processors, at most four.
    case app
    /// A notification extension, which has little memory: one worker, small stacks.
    case `extension`
}

/// Chooses how many threads the library may use. Call it before anything else, or not at all: an app's number is taken then.
///
/// Fails with `busy` where the library already runs with another one.
public func configureRuntime(_ profile: RuntimeProfile) throws(CuroError) {
    let raw: CuroFFI.RuntimeProfile =
        switch profile {
        case .app: .app
        case .extension: .extension
        }
    try crossing { try CuroFFI.configureRuntime(profile: raw) }
}
