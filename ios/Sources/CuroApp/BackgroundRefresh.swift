#if canImport(BackgroundTasks) && canImport(UIKit) && !os(watchOS)
    import BackgroundTasks
    import Curo

    /// Fetches and sends now and then while the app does not run: an app refresh task of the system.
    ///
    /// The identifier must stand in the app's `Info.plist` under `BGTaskSchedulerPermittedIdentifiers`, and the background mode
    /// `fetch` must be on.
    public struct BackgroundRefresh: Sendable {
        private let identifier: String
        private let interval: Duration
        private let client: @Sendable () async throws -> Client

        /// Asks for a pass after this time at the earliest; the system decides. `client` gives the app's client, or opens one.
        public init(
            identifier: String, interval: Duration = .seconds(15 * 60),
            client: @escaping @Sendable () async throws -> Client
        ) {
            self.identifier = identifier
            self.interval = interval
            self.client = client
        }

        /// To be called before the app has finished launching. False: the identifier is not permitted, or registered already.
        @MainActor
        public func register() -> Bool {
            BGTaskScheduler.shared.register(forTaskWithIdentifier: identifier, using: nil) { task in
                // The scheduler hands the task over; nobody else has it.
                nonisolated(unsafe) let task = task
                let pass = Task {
                    try? schedule()
                    let outcome = try? await client().runBackground(deadline: .seconds(20))
                    task.setTaskCompleted(success: outcome?.complete == true)
                }
                task.expirationHandler = { pass.cancel() }
            }
        }

        /// Asks for the next pass: at each start of the app, and by itself after each pass. Fails as `BGTaskScheduler.submit`.
        public func schedule() throws {
            let request = BGAppRefreshTaskRequest(identifier: identifier)
            request.earliestBeginDate = Date(timeIntervalSinceNow: Double(interval.components.seconds))
            try BGTaskScheduler.shared.submit(request)
        }
    }
#endif
