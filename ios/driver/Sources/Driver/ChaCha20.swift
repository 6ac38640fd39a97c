/// ChaCha20 (RFC 8439, section 2.4) from block 0 on. There is no cipher in Swift's own libraries on Linux.
struct ChaCha20 {
    private let state: [UInt32]

    /// A key of 32 and a nonce of 12 bytes.
    init(key: [UInt8], nonce: [UInt8]) {
        precondition(key.count == 32 && nonce.count == 12)
        // "expand 32-byte k"
        let begin: [UInt32] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]
        state = begin + Self.words(key) + [0] + Self.words(nonce)
    }

    /// The bytes, hidden or shown.
    func xor(_ bytes: [UInt8]) -> [UInt8] {
        var hidden: [UInt8] = []
        for (number, begin) in stride(from: 0, to: bytes.count, by: 64).enumerated() {
            let block = block(UInt32(number))
            hidden += zip(bytes[begin...], block).map { $0 ^ $1 }
        }
        return hidden
    }

    private func block(_ number: UInt32) -> [UInt8] {
        var start = state
        start[12] = number
        var s = start
        func quarter(_ a: Int, _ b: Int, _ c: Int, _ d: Int) {
            func mix(_ to: Int, _ from: Int, _ turned: Int, _ bits: UInt32) {
                s[to] &+= s[from]
                let x = s[turned] ^ s[to]
                s[turned] = x << bits | x >> (32 - bits)
            }
            mix(a, b, d, 16)
            mix(c, d, b, 12)
            mix(a, b, d, 8)
            mix(c, d, b, 7)
        }
        for _ in 0..<10 {
            quarter(0, 4, 8, 12)
            quarter(1, 5, 9, 13)
            quarter(2, 6, 10, 14)
            quarter(3, 7, 11, 15)
            quarter(0, 5, 10, 15)
            quarter(1, 6, 11, 12)
            quarter(2, 7, 8, 13)
            quarter(3, 4, 9, 14)
        }
        return zip(s, start).flatMap { word in
            let sum = word.0 &+ word.1
            return (0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * UInt32($0))) }
        }
    }

    /// Little-endian.
    private static func words(_ bytes: [UInt8]) -> [UInt32] {
        stride(from: 0, to: bytes.count, by: 4).map { at in
            (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << (8 * UInt32($1)) }
        }
    }
}
