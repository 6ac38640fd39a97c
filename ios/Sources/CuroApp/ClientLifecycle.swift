#if canImport(UIKit) && !os(watchOS)
    import Curo
    import UIKit

    /// Suspends a client when the app goes to the background, so that the system finds no open file when it stops the process,
    /// and resumes it when the app comes back. Hold it as long as the client.
    ///
    /// Where the app was away too long the client stays locked: its ``Client/session`` says so, and the person unlocks.
    @MainActor
    public final class ClientLifecycle {
        private let client: Client
        private let turns: Turns
        private var observers: [any NSObjectProtocol] = []

        /// Watches the app from now on.
        public init(_ client: Client) {
            self.client = client
            turns = Turns { place in
                switch place {
                // What fails here shows in the client's session, and there is nobody to tell it to.
                case .back: try? await client.suspend()
                case .front: try? await client.resume()
                }
            }
            observe(UIApplication.didEnterBackgroundNotification) { $0.wentToBackground() }
            observe(UIApplication.willEnterForegroundNotification) { $0.comesToFront() }
        }

        deinit {
            for observer in observers {
                NotificationCenter.default.removeObserver(observer)
            }
        }

        /// Say so at each touch (`UIWindow.sendEvent`, for instance): the client locks by itself when there was none for long.
        public func noteUserActivity() {
            try? client.noteUserActivity()
        }

        private func observe(_ name: Notification.Name, _ react: @escaping @MainActor (ClientLifecycle) -> Void) {
            observers.append(
                NotificationCenter.default.addObserver(forName: name, object: nil, queue: .main) { [weak self] _ in
                    MainActor.assumeIsolated {
                        if let self { react(self) }
                    }
                })
        }

        private func wentToBackground() {
            // The system lets the app finish this before it stops the process.
            let grant = BackgroundGrant()
            Task { [turns] in
                await turns.wish(.back)
                grant.end()
            }
        }

        private func comesToFront() {
            Task { [turns] in await turns.wish(.front) }
        }
    }

    /// Time that the system grants in the background; given back once.
    @MainActor
    private final class BackgroundGrant {
        private var id = UIBackgroundTaskIdentifier.invalid

        init() {
            id = UIApplication.shared.beginBackgroundTask(withName: "health.curo.suspend") { [weak self] in
                self?.end()
            }
        }

        func end() {
            if id != .invalid {
                UIApplication.shared.endBackgroundTask(id)
                id = .invalid
            }
        }
    }
#endif
