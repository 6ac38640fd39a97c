import Foundation
internal import CuroFFI

/// Whether somebody has a message, and has read it.
public struct PersonReceipt: Hashable, Sendable, Identifiable {
    /// Who.
    public var id: UserID { user }
    /// Who.
    public let user: UserID
    /// Whether a device of theirs has it.
    public let delivered: Bool
    /// Whether they have read it, as their devices say.
    public let read: Bool
    /// They had read it at this time at the latest.
    public let readBy: Date?

    /// For an app's own fakes.
    public init(user: UserID, delivered: Bool = false, read: Bool = false, readBy: Date? = nil) {
        self.user = user
        self.delivered = delivered
        self.read = read
        self.readBy = readBy
    }

    init(_ raw: CuroFFI.PersonReceipt) {
        user = UserID(raw.user)
        delivered = raw.delivered
        read = raw.read
        readBy = raw.readByMs.map(Date.init(milliseconds:))
    }
}

/// Who has taken note of an urgent message.
public struct Acknowledgement: Hashable, Sendable, Identifiable {
    /// Who.
    public var id: UserID { user }
    /// Who.
    public let user: UserID
    /// When the relay accepted it; none while it is unsent.
    public let acceptedAt: Date?

    /// For an app's own fakes.
    public init(user: UserID, acceptedAt: Date? = nil) {
        self.user = user
        self.acceptedAt = acceptedAt
    }

    init(_ raw: CuroFFI.Acknowledgement) {
        user = UserID(raw.user)
        acceptedAt = raw.acceptedMs.map(Date.init(milliseconds:))
    }
}

/// How far the purge of a deleted message has come.
public struct Purge: Hashable, Sendable {
    /// Devices that have purged it.
    public let by: Int
    /// Devices that are to purge it.
    public let of: Int
    /// Which have.
    public let devices: [PurgedDevice]

    /// For an app's own fakes.
    public init(by: Int, of: Int, devices: [PurgedDevice] = []) {
        self.by = by
        self.of = of
        self.devices = devices
    }

    init(_ raw: CuroFFI.Purge) {
        by = Int(raw.by)
        of = Int(raw.of)
        devices = raw.devices.map { PurgedDevice(user: UserID($0.user), device: DeviceID($0.device)) }
    }
}

/// A device that has purged a message.
public struct PurgedDevice: Hashable, Sendable, Identifiable {
    /// Whose.
    public let user: UserID
    /// Which: ``device``.
    public var id: DeviceID { device }
    /// Which.
    public let device: DeviceID

    /// For an app's own fakes.
    public init(user: UserID, device: DeviceID) {
        self.user = user
        self.device = device
    }
}

/// What becomes of messages with the others.
extension Conversation {
    /// Who has a message and who has read it: everybody who was in the conversation when it was said, except its author, by
    /// user id; of anybody's message. Empty while it is unsent. Fails with `unknown` where it is not on this device,
    /// `locked`.
    public func receipts(of message: MessageRef) async throws(CuroError) -> [PersonReceipt] {
        try await crossing { try await self.raw.receipts(message: message.raw) }.map { PersonReceipt($0) }
    }

    /// Asks everybody to say how far they have read: in a conversation of more than 32 people nobody says so unasked. In a
    /// smaller one everybody does anyway, and this does nothing: nil.
    ///
    /// Fails with `unknown`, `removed`, `sign_in_needed`, `locked`, `storage_full`.
    @discardableResult
    public func requestReceipts() async throws(CuroError) -> IntentID? {
        try await crossing { try await self.raw.requestReceipts() }.map { IntentID($0) }
    }

    /// Who has taken note of an urgent message, in order. Fails with `locked`.
    public func acknowledgements(of message: MessageRef) async throws(CuroError) -> [Acknowledgement] {
        try await crossing { try await self.raw.acknowledgements(message: message.raw) }
            .map { Acknowledgement($0) }
    }

    /// Where a deleted message is gone: this device has purged it, and so many others say the same. Fails with `unknown` for
    /// a message that is not here or not deleted, `locked`.
    public func purge(of message: MessageRef) async throws(CuroError) -> Purge {
        Purge(try await crossing { try await self.raw.purge(message: message.raw) })
    }

    /// Renews this device's keys in the group (an MLS update), so that what an attacker may have learnt is of no use. Fails
    /// with `unknown`, `removed`, `sign_in_needed`, `locked`, `storage_full`.
    @discardableResult
    public func renewKeys() async throws(CuroError) -> IntentID {
        IntentID(try await crossing { try await self.raw.renewKeys() })
    }
}

/// The user's choice about read receipts.
extension Client {
    /// Tells others how far this user has read, or does not, from now on. Kept in the profile. What is read while it is off is
    /// told with the next message that is read after it is on again; what others say is shown in any case.
    ///
    /// Fails with `locked`, `storage_full`.
    public func sendReadReceipts(_ send: Bool) async throws(CuroError) {
        try await crossing { try await self.raw.sendReadReceipts(send: send) }
    }

    /// Whether this user tells others what they have read: yes, unless they said no. Fails with `locked`.
    public func sendsReadReceipts() async throws(CuroError) -> Bool {
        try await crossing { try await self.raw.sendsReadReceipts() }
    }
}
