#if canImport(Darwin)
    import Foundation

    extension ClientOptions {
        /// The folder for this installation's profiles: in the container of an app group, which the app shares with its
        /// extensions, or in Application Support. Made where it is not there; in no backup, because no backup has the keys; and
        /// protected until the first unlock since the device was started, so that background work can open it.
        ///
        /// Fails with the file system's errors, or `invalid_argument` for a group that the app is not entitled to.
        public static func profileFolder(appGroup: String? = nil) throws -> URL {
            let files = FileManager.default
            let container =
                if let appGroup {
                    files.containerURL(forSecurityApplicationGroupIdentifier: appGroup)
                } else {
                    try files.url(
                        for: .applicationSupportDirectory, in: .userDomainMask, appropriateFor: nil, create: true)
                }
            guard let container else { throw CuroError(code: .invalidArgument) }
            var folder = container.appendingPathComponent("health.curo", isDirectory: true)
            try files.createDirectory(
                at: folder, withIntermediateDirectories: true,
                attributes: [.protectionKey: FileProtectionType.completeUntilFirstUserAuthentication])
            var values = URLResourceValues()
            values.isExcludedFromBackup = true
            try folder.setResourceValues(values)
            return folder
        }
    }
#endif
