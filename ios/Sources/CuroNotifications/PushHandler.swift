#if canImport(UserNotifications)
    import Curo
    import UserNotifications

    /// For an app's notification service extension: fetches what a push has announced, so that it is there when the person opens
    /// the app, and shows a text that says nothing of it.
    ///
    /// ```swift
    /// final class NotificationService: UNNotificationServiceExtension {
    ///     private let handler = PushHandler(options: options, vault: vault, tokens: tokens, title: "New message")
    ///     override func didReceive(
    ///         _ request: UNNotificationRequest, withContentHandler show: @escaping (UNNotificationContent) -> Void
    ///     ) {
    ///         handler.handle(request, token: request.content.userInfo["curo"] as? String, show)
    ///     }
    ///     override func serviceExtensionTimeWillExpire() { handler.expire() }
    /// }
    /// ```
    ///
    /// The text is shown after 20 seconds at the latest, and after any error: nothing of this throws, and no notification is lost.
    public final class PushHandler: @unchecked Sendable {
        private let pass: PushPass
        private let title: String
        private let body: String
        private let lock = NSLock()
        private var shown: Once<Void>?
        private var show: (() -> Void)?

        /// `title` and `body` are what a locked screen may show. The vault must be one that needs no person.
        public init(
            options: ClientOptions, vault: any KeyVault, tokens: @escaping TokenProvider, title: String, body: String = ""
        ) {
            pass = PushPass(options: options, vault: vault, tokens: tokens)
            self.title = title
            self.body = body
        }

        /// Handles one push. `token` is what the push gateway was given by the relay, wherever in the push it puts it.
        public func handle(
            _ request: UNNotificationRequest, token: String?, _ show: @escaping (UNNotificationContent) -> Void
        ) {
            let content = UNMutableNotificationContent()
            content.title = title
            content.body = body
            content.sound = request.content.sound
            // Both are used once, by whoever gives `once` first.
            nonisolated(unsafe) let (show, plain) = (show, content)
            let once = Once<Void>()
            lock.withLock {
                shown = once
                self.show = { show(plain) }
            }
            Task { [pass] in
                let finished = await within(.seconds(20)) {
                    guard let token else { return Int?.none }
                    return try await pass.run(token: token, deadline: .seconds(17))
                }
                guard once.give(()) else { return }
                if case .done(let unread?) = finished {
                    plain.badge = NSNumber(value: unread)
                }
                show(plain)
            }
        }

        /// For `serviceExtensionTimeWillExpire`: shows the text now, if it is not shown yet.
        public func expire() {
            let (once, show) = lock.withLock { (shown, self.show) }
            if once?.give(()) == true {
                show?()
            }
        }
    }
#endif
