internal import CuroFFI

/// A profile's messaging. Reading and queuing work offline and before ``start()``; calls that change something are durable
/// when they return, and finish once entered, even when the calling task is cancelled meanwhile.
///
/// ```swift
/// let client = try await Client.open(options, vault: vault) { reason in try await auth.accessToken(reason) }
/// try await client.signIn()
/// try await client.start()
/// ```
///
/// A client may be used from any task and closed from any of them, twice too. It does not close by itself in good order:
/// call ``close()``.
public final class Client: Sendable {
    let raw: CuroFFI.Client

    init(_ raw: CuroFFI.Client) {
        self.raw = raw
    }

    /// Opens a profile's store, or makes the first one. Does not touch the network.
    ///
    /// Fails with `invalid_argument` (the relay's address is not plain https, a proxy's not plain http, fewer than two
    /// different pins, several profiles and none chosen), `busy` (in use by another process or client), `store_missing`,
    /// `store_unreadable`, `store_newer`, `storage_full`, `vault_not_ready`, `vault_user_auth_needed`. Whatever is refused is
    /// left as it was.
    public static func open(
        _ options: ClientOptions, vault: any KeyVault, tokens: @escaping TokenProvider
    ) async throws(CuroError) -> Client {
        #if os(Linux)
            quietPipes
        #endif
        let (raw, vault, tokens) = (options.raw, AppVault(vault), AppTokens(tokens))
        return Client(
            try await crossing { try await CuroFFI.Client.open(options: raw, vault: vault, tokens: tokens) })
    }

    /// Stops and closes in good order, so that another process or client may open the store. Lets go of the vault and the
    /// token provider, and ends every sequence; from then on every call fails with `closed`. Harmless to repeat.
    public func close() async throws(CuroError) {
        try await crossing { try await self.raw.end() }
    }

    /// Destroys the profile: first the key in the vault, which makes the files unreadable, then the files. What is not sent is
    /// lost. Harmless to repeat. Fails with `vault_not_ready`, `vault_user_auth_needed`, or for the file system; then repeat it.
    public func erase() async throws(CuroError) {
        try await crossing { try await self.raw.erase() }
    }

    /// The profile that is open.
    public func profile() throws(CuroError) -> ProfileID {
        ProfileID(try crossing { try raw.profile() })
    }

    /// States and codes for whoever helps with a fault. Nothing in it says anything about people.
    public func diagnostics() async throws(CuroError) -> String {
        try await crossing { try await self.raw.diagnostics() }
    }
}

/// Signing in, and the connection.
extension Client {
    /// Signs in with a token of the provider and registers this device, if it is new. Harmless to repeat; needed once in a
    /// profile's life, and again whenever the ``session`` says so.
    ///
    /// Fails with `offline`, `captive_portal`, `tls_failed`, `pin_mismatch`, `sign_in_needed` (no token, or the relay refuses
    /// it), `approval_pending` (another device must approve this one), `wrong_account`, `store_changed`, `bad_relay`,
    /// `rate_limited`, `locked`.
    @discardableResult
    public func signIn() async throws(CuroError) -> Account {
        Account(try await crossing { try await self.raw.signIn() })
    }

    /// The account that the profile is bound to; nil before the first sign-in.
    public func account() async throws(CuroError) -> Account? {
        try await crossing { try await self.raw.account() }.map { Account($0) }
    }

    /// Sends what waits, for at most the deadline, then revokes this device at the relay and erases the profile, its key first.
    /// Works offline: the device then stays listed among the user's devices, without its keys, until it is revoked from another
    /// one.
    ///
    /// Fails with `locked`, `closed`, `vault_not_ready`, `vault_user_auth_needed`, or for the file system; then repeat it.
    public func signOut(
        deadline: Duration, unsent: OnUnsent = .keep
    ) async throws(CuroError) -> SignOutOutcome {
        SignOutOutcome(
            try await crossing {
                try await self.raw.signOut(deadlineMs: deadline.inMilliseconds, unsent: unsent.raw)
            })
    }

    /// What a sign-out would lose. Fails with `locked`.
    public func unsent() async throws(CuroError) -> OutboxState {
        OutboxState(try await crossing { try await self.raw.unsent() })
    }

    /// Starts live sync and sending. A second call does nothing. Fails with `sign_in_needed` before the first sign-in,
    /// `locked`, `closed`.
    public func start() async throws(CuroError) {
        try await crossing { try await self.raw.start() }
    }

    /// Stops live sync and sending.
    public func stop() async throws(CuroError) {
        try await crossing { try await self.raw.stop() }
    }

    /// Fetches and sends once, for an app that does not run. Fails with `offline` and its likes, `sign_in_needed`, `locked`.
    public func catchUp() async throws(CuroError) {
        try await crossing { try await self.raw.catchUp() }
    }

    /// Say so when the device has changed its network, or comes back to the front after a long sleep: everything is connected
    /// anew at once.
    public func networkChanged() throws(CuroError) {
        try crossing { try raw.networkChanged() }
    }
}

/// Locking.
extension Client {
    /// Wipes the key and empties every snapshot. Nothing is shown until ``unlock()``.
    public func lock() async throws(CuroError) {
        try await crossing { try await self.raw.lock() }
    }

    /// Fetches the key from the vault and opens the store again. Fails with `busy` (another process has it), `store_missing`,
    /// `vault_not_ready`, `vault_user_auth_needed`, `sign_in_needed` (the session is over), `closed`.
    public func unlock() async throws(CuroError) {
        try await crossing { try await self.raw.unlock() }
    }

    /// Whether it is locked now.
    public func isLocked() throws(CuroError) -> Bool {
        try crossing { try raw.isLocked() }
    }

    /// Say so at each touch: the client locks by itself when there was none for long.
    public func noteUserActivity() throws(CuroError) {
        try crossing { try raw.noteUserActivity() }
    }

    /// For an app that goes to the background: stops, waits for writes, and closes the store, so that no file lock is held when
    /// the system suspends the process. Every call fails with `locked` until ``resume()``.
    public func suspend() async throws(CuroError) {
        try await crossing { try await self.raw.suspend() }
    }

    /// For an app that comes back to the front. Fails with `locked` where it has been away too long: then the person unlocks.
    public func resume() async throws(CuroError) {
        try await crossing { try await self.raw.resume() }
    }
}

/// What a sign-out does with what is not sent.
public enum OnUnsent: Hashable, Sendable {
    /// Stays signed in and says what there is.
    case keep
    /// Signs out; what is not sent is lost.
    case discard

    var raw: CuroFFI.OnUnsent {
        switch self {
        case .keep: .keep
        case .discard: .discard
        }
    }
}

/// What came of a sign-out.
public enum SignOutOutcome: Hashable, Sendable {
    /// Signed out; the profile is erased. What was lost with it.
    case signedOut(lost: OutboxState)
    /// Still signed in, because something is not sent yet.
    case unsent(left: OutboxState)
    /// An outcome of a later version.
    case other

    init(_ raw: CuroFFI.SignOutOutcome) {
        self =
            switch raw {
            case .signedOut(let lost): .signedOut(lost: OutboxState(lost))
            case .unsent(let left): .unsent(left: OutboxState(left))
            case .other: .other
            }
    }
}
