import Foundation
internal import CuroFFI

// Ids are random and say nothing of people or content, so they may be printed and logged. Text that is none is refused with
// `invalid_argument` by the first call that it is given to.

/// A user: 32 lower-case hexadecimal digits. Minted by the relay, never used again.
public struct UserID: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    /// The id as text.
    public let rawValue: String

    /// The id with this text.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    init(_ text: String) {
        self.init(rawValue: text)
    }

    /// The id as text.
    public var description: String { rawValue }
}

/// A device: 32 lower-case hexadecimal digits. One installation for one user.
public struct DeviceID: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    /// The id as text.
    public let rawValue: String

    /// The id with this text.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    init(_ text: String) {
        self.init(rawValue: text)
    }

    /// The id as text.
    public var description: String { rawValue }
}

/// A profile of this installation: 32 lower-case hexadecimal digits. Never leaves the device.
public struct ProfileID: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    /// The id as text.
    public let rawValue: String

    /// The id with this text.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    init(_ text: String) {
        self.init(rawValue: text)
    }

    /// The id as text.
    public var description: String { rawValue }
}

/// A conversation: 32 lower-case hexadecimal digits.
public struct ConversationID: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    /// The id as text.
    public let rawValue: String

    /// The id with this text.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    init(_ text: String) {
        self.init(rawValue: text)
    }

    /// The id as text.
    public var description: String { rawValue }
}

/// Something that was asked for: 32 lower-case hexadecimal digits. A message's own id is one, too.
public struct IntentID: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    /// The id as text.
    public let rawValue: String

    /// The id with this text.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    init(_ text: String) {
        self.init(rawValue: text)
    }

    /// The id as text.
    public var description: String { rawValue }
}

/// A message: 32 lower-case hexadecimal digits, unique together with the sending device.
public struct MessageID: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    /// The id as text.
    public let rawValue: String

    /// The id with this text.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    init(_ text: String) {
        self.init(rawValue: text)
    }

    /// The id as text.
    public var description: String { rawValue }
}

/// A tenant: 1 to 63 characters of a-z, 0-9 and inner hyphens.
public struct TenantID: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    /// The id as text.
    public let rawValue: String

    /// The id with this text.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    init(_ text: String) {
        self.init(rawValue: text)
    }

    /// The id as text.
    public var description: String { rawValue }
}

/// What names an item of a conversation for life.
public struct ItemKey: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    /// The id as text.
    public let rawValue: String

    /// The id with this text.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    init(_ text: String) {
        self.init(rawValue: text)
    }

    /// The id as text.
    public var description: String { rawValue }
}

/// An opaque place in a timeline.
public struct Cursor: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    /// The id as text.
    public let rawValue: String

    /// The id with this text.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    init(_ text: String) {
        self.init(rawValue: text)
    }

    /// The id as text.
    public var description: String { rawValue }
}

/// A public key that a relay's certificate may have: its SHA-256 as the library writes it.
public struct SPKIPin: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    /// The id as text.
    public let rawValue: String

    /// The id with this text.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    init(_ text: String) {
        self.init(rawValue: text)
    }

    /// The id as text.
    public var description: String { rawValue }
}

extension MessageID {
    /// A new random id. The id is the app's: the same id sent again is the same message.
    public static func random() throws(CuroError) -> MessageID {
        MessageID(try crossing { try CuroFFI.randomMessageId() })
    }

    /// The intent of sending it, for ``Conversation/retry(_:)``, ``Conversation/cancel(_:)`` and ``Conversation/intent(_:)``.
    public var intent: IntentID { IntentID(rawValue) }
}

extension SPKIPin {
    /// The pin of a public key (SubjectPublicKeyInfo, DER). Fails with `invalid_argument` where it is none.
    public static func ofPublicKey(_ spki: Data) throws(CuroError) -> SPKIPin {
        SPKIPin(try crossing { try CuroFFI.pinOfPublicKey(spkiDer: spki) })
    }

    /// The pin with this SHA-256. Fails with `invalid_argument` where it is not 32 bytes long.
    public static func fromSHA256(_ hash: Data) throws(CuroError) -> SPKIPin {
        SPKIPin(try crossing { try CuroFFI.pinFromSha256(hash: hash) })
    }
}
