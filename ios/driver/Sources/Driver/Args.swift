import Curo
import Foundation

/// A request that makes no sense: a fault of the runner or of the driver, not of the product.
struct Fault: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

// Arguments of requests, and what is wrong with them. Ids are not looked at here: the library refuses what is none.
extension JSON {
    func string(_ name: String) throws -> String {
        guard let text = self[name].text else { throw Fault("`\(name)` must be a string") }
        return text
    }

    func whole(_ name: String) throws -> Int64 {
        guard let number = self[name].number else { throw Fault("`\(name)` must be a whole number") }
        return number
    }

    func size(_ name: String) throws -> Int {
        Int(try whole(name))
    }

    func time(_ name: String) throws -> Duration {
        .milliseconds(try whole(name))
    }

    func id<ID: RawRepresentable<String>>(_ name: String) throws -> ID {
        guard let id = ID(rawValue: try string(name)) else { throw Fault("`\(name)` cannot be read") }
        return id
    }

    func strings(_ name: String) throws -> [String] {
        guard let list = self[name].list else { throw Fault("`\(name)` must be a list") }
        return try list.map { value in
            guard let text = value.text else { throw Fault("`\(name)` cannot be read") }
            return text
        }
    }

    func users(_ name: String) throws -> [UserID] {
        try strings(name).map(UserID.init(rawValue:))
    }

    /// A text: a string, or `{"utf16": [units]}`, which may have lone surrogates. Strings of Swift cannot hold them: they
    /// become U+FFFD.
    func words(_ name: String) throws -> String {
        if let text = self[name].text {
            return text
        }
        guard let units = self[name]["utf16"].list else { throw Fault("`\(name)` must be a text") }
        let read = units.compactMap { unit in unit.number.flatMap { UInt16(exactly: $0) } }
        guard read.count == units.count else { throw Fault("`\(name)` has no 16-bit units") }
        return String(decoding: read, as: UTF16.self)
    }

    /// A message anywhere: `{"device", "message"}`.
    func reference(_ name: String) throws -> MessageRef {
        MessageRef(sender: try self[name].id("device"), message: try self[name].id("message"))
    }

    func optional<T>(_ name: String, _ read: (JSON) -> (String) throws -> T) throws -> T? {
        self[name].isNull ? nil : try read(self)(name)
    }
}
