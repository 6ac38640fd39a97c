import Foundation

/// A JSON value.
enum JSON: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(Int64)
    case text(String)
    case list([JSON])
    case object([String: JSON])

    /// Text, or null for none.
    static func of(_ text: String?) -> JSON {
        text.map(JSON.text) ?? .null
    }

    /// A number, or null for none.
    static func of(_ number: Int64?) -> JSON {
        number.map(JSON.number) ?? .null
    }

    /// A number.
    static func of(_ number: Int) -> JSON {
        .number(Int64(number))
    }

    /// What stands under a name; null if nothing does.
    subscript(_ name: String) -> JSON {
        if case .object(let members) = self { members[name] ?? .null } else { .null }
    }

    var isNull: Bool { self == .null }

    var text: String? {
        if case .text(let text) = self { text } else { nil }
    }

    var number: Int64? {
        if case .number(let number) = self { number } else { nil }
    }

    var list: [JSON]? {
        if case .list(let list) = self { list } else { nil }
    }

    /// This object with more in it.
    func with(_ more: [String: JSON]) -> JSON {
        guard case .object(let members) = self else { return self }
        return .object(members.merging(more) { $1 })
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    init(stringLiteral text: String) { self = .text(text) }
    init(integerLiteral number: Int64) { self = .number(number) }
    init(booleanLiteral bool: Bool) { self = .bool(bool) }
}

extension JSON: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral {
    init(arrayLiteral list: JSON...) { self = .list(list) }
    init(dictionaryLiteral members: (String, JSON)...) {
        self = .object(Dictionary(members, uniquingKeysWith: { $1 }))
    }
    init(nilLiteral: ()) { self = .null }
}

// Numbers of the protocol are whole.
extension JSON: Decodable {
    init(parsing line: String) throws {
        self = try JSONDecoder().decode(JSON.self, from: Data(line.utf8))
    }

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let number = try? value.decode(Int64.self) {
            self = .number(number)
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let members = try? value.decode([String: JSON].self) {
            self = .object(members)
        } else {
            self = .list(try value.decode([JSON].self))
        }
    }
}

// Written by hand: answers can be long, and `JSONEncoder` is slow without optimisation.
extension JSON {
    /// The value in UTF-8, as one line.
    var line: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    private func write(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let bool): bytes += (bool ? "true" : "false").utf8
        case .number(let number): bytes += String(number).utf8
        case .text(let text): JSON.write(text, to: &bytes)
        case .list(let list):
            var sign = UInt8(ascii: "[")
            for value in list {
                bytes.append(sign)
                value.write(to: &bytes)
                sign = UInt8(ascii: ",")
            }
            bytes += (list.isEmpty ? "[]" : "]").utf8
        case .object(let members):
            var sign = UInt8(ascii: "{")
            for (name, value) in members {
                bytes.append(sign)
                JSON.write(name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                value.write(to: &bytes)
                sign = UInt8(ascii: ",")
            }
            bytes += (members.isEmpty ? "{}" : "}").utf8
        }
    }

    private static func write(_ text: String, to bytes: inout [UInt8]) {
        let quote = UInt8(ascii: "\"")
        bytes.append(quote)
        for byte in text.utf8 {
            switch byte {
            case quote, UInt8(ascii: "\\"):
                bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x20:
                bytes += "\\u00\(byte < 0x10 ? "0" : "")\(String(byte, radix: 16))".utf8
            default:
                bytes.append(byte)
            }
        }
        bytes.append(quote)
    }
}
