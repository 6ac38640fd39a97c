import Foundation

/// What a keychain item holds: one byte that says how, then the key, plain or wrapped.
enum KeyRecord: Equatable {
    case plain(Data)
    case wrapped(WrappedKey)

    /// Bytes of a store's key.
    static let keyBytes = 48

    private static let plainForm: UInt8 = 1
    private static let wrappedForm: UInt8 = 2

    /// Nil for what is none.
    init?(_ record: Data) {
        let bytes = [UInt8](record)
        switch bytes.first {
        case Self.plainForm where bytes.count == 1 + Self.keyBytes:
            self = .plain(Data(bytes[1...]))
        case Self.wrappedForm:
            // The form, the length of the chip's part (big-endian), that part, the other device's half, the box.
            guard bytes.count > 3 else { return nil }
            let chip = 3 + (Int(bytes[1]) << 8 | Int(bytes[2]))
            let ephemeral = chip + WrappedKey.publicKeyBytes
            guard chip > 3, bytes.count > ephemeral else { return nil }
            self = .wrapped(
                WrappedKey(
                    chipKey: Data(bytes[3..<chip]), ephemeral: Data(bytes[chip..<ephemeral]),
                    box: Data(bytes[ephemeral...])))
        default:
            return nil
        }
    }

    var encoded: Data {
        switch self {
        case .plain(let key):
            return Data([Self.plainForm]) + key
        case .wrapped(let wrapped):
            let length = UInt16(wrapped.chipKey.count)
            let head = Data([Self.wrappedForm, UInt8(length >> 8), UInt8(length & 0xff)])
            return head + wrapped.chipKey + wrapped.ephemeral + wrapped.box
        }
    }
}

/// A key that only the chip of this device can open.
struct WrappedKey: Equatable, Sendable {
    /// An uncompressed point of P-256.
    static let publicKeyBytes = 65

    /// What the chip knows its private key by; of no use to any other chip. At most 65,535 bytes.
    let chipKey: Data
    /// The public key with which the chip agrees.
    let ephemeral: Data
    /// The key, sealed.
    let box: Data
}
