import Foundation
internal import CuroFFI

/// A device of this user, as the relay's directory has it.
public struct OwnDevice: Hashable, Sendable, Identifiable {
    /// Its id: ``device``.
    public var id: DeviceID { device }
    /// Its id.
    public let device: DeviceID
    /// When it was registered.
    public let registeredAt: Date
    /// When the relay last saw it.
    public let lastSeenAt: Date
    /// Whether it waits for the approval of another one.
    public let pending: Bool
    /// Whether it was revoked.
    public let revoked: Bool
    /// Whether it is this one.
    public let current: Bool

    /// For an app's own fakes.
    public init(
        device: DeviceID, registeredAt: Date, lastSeenAt: Date, pending: Bool = false, revoked: Bool = false,
        current: Bool = false
    ) {
        self.device = device
        self.registeredAt = registeredAt
        self.lastSeenAt = lastSeenAt
        self.pending = pending
        self.revoked = revoked
        self.current = current
    }

    init(_ raw: CuroFFI.OwnDevice) {
        device = DeviceID(raw.device)
        registeredAt = Date(milliseconds: raw.registeredMs)
        lastSeenAt = Date(milliseconds: raw.lastSeenMs)
        pending = raw.pending
        revoked = raw.revoked
        current = raw.current
    }
}

/// A device of this user that waits for an approval.
public struct WaitingDevice: Hashable, Sendable, Identifiable, Redacted {
    /// Its id: ``device``.
    public var id: DeviceID { device }
    /// Its id.
    public let device: DeviceID
    /// When it asked.
    public let askedAt: Date
    /// The code that it must show, too: compare both before ``Client/approveDevice(_:)``.
    public let code: String

    /// For an app's own fakes.
    public init(device: DeviceID, askedAt: Date, code: String) {
        self.device = device
        self.askedAt = askedAt
        self.code = code
    }

    init(_ raw: CuroFFI.WaitingDevice) {
        device = DeviceID(raw.device)
        askedAt = Date(milliseconds: raw.askedMs)
        code = raw.code
    }
}

/// The devices of this user, and their approval where the tenant's policy asks for it.
extension Client {
    /// This user's devices, revoked ones too, by time of registration, then those that wait for an approval. Asks the relay.
    ///
    /// Fails with `offline` and its likes, `sign_in_needed`, `device_revoked`, `locked`.
    public func devices() async throws(CuroError) -> [OwnDevice] {
        try await crossing { try await self.raw.devices() }.map { OwnDevice($0) }
    }

    /// Revokes a device of this user for good, a lost phone for example, or refuses one that waits for an approval. The relay
    /// refuses it at once, and the next commit of each conversation removes it. Harmless to repeat; after an error it may be
    /// done all the same: call again.
    ///
    /// Fails with `unknown` for a device that is not this user's, `offline` and its likes, `sign_in_needed`,
    /// `device_revoked`, `locked`.
    public func revokeDevice(_ device: DeviceID) async throws(CuroError) {
        try await crossing { try await self.raw.revokeDevice(device: device.rawValue) }
    }

    /// The devices of this user that wait for an approval. Asks the relay, as ``devices()`` does.
    public func waitingDevices() async throws(CuroError) -> [WaitingDevice] {
        try await crossing { try await self.raw.waitingDevices() }.map { WaitingDevice($0) }
    }

    /// Watches which devices of this user wait for an approval, as far as this device was told. Empty while locked; then
    /// ask ``waitingDevices()`` for their codes.
    public var waiting: Snapshots<[DeviceID]> {
        Snapshots { [raw] in
            let stream = try raw.observeWaitingDevices()
            return Source(
                pull: { after in
                    let snapshot = try await stream.next(after: after)
                    return Snapshot(revision: snapshot.revision, state: snapshot.state.map { DeviceID($0) })
                },
                end: { try? stream.end() })
        }
    }

    /// Approves a device of this user, once the person has seen the same code on both.
    ///
    /// Fails with `unknown` for a device that does not wait, `bad_relay` if what the relay shows is not that device's,
    /// `offline` and its likes, `sign_in_needed`, `device_revoked`, `locked`.
    public func approveDevice(_ device: DeviceID) async throws(CuroError) {
        try await crossing { try await self.raw.approveDevice(device: device.rawValue) }
    }

    /// The code that this device shows while it waits for an approval; nil otherwise. The approving device shows the same.
    public func approvalCode() async throws(CuroError) -> String? {
        try await crossing { try await self.raw.approvalCode() }
    }

    /// Waits until another device of this user has approved this one, then signs in. A cancelled task stops waiting, with
    /// `cancelled`; nothing is lost by it, and it may be called again at any time.
    ///
    /// Fails as ``signIn()`` does; with `device_revoked` if another device has refused this one.
    @discardableResult
    public func waitForApproval() async throws(CuroError) -> Account {
        Account(try await Curo.waiting { try await self.raw.waitForApproval() })
    }
}
