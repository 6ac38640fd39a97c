import Foundation
import XCTest

@testable import Curo

/// What a vault over the Keychain does, over a keychain in memory. What Security itself does no test here can say.
final class KeychainTests: XCTestCase {
    private let chain = MemoryKeychain()

    func testAKeyIsMadeOnceAndGoneForGood() throws {
        for wrapper in [nil, MaskingWrapper()] {
            let keys = StoredKeys(items: chain, wrapper: wrapper)
            XCTAssertEqual(failure { _ = try keys.load("a") }, .missing)
            let key = try keys.create("a")
            XCTAssertEqual(key.count, 48)
            XCTAssertEqual(try keys.create("a"), key)
            XCTAssertEqual(try keys.load("a"), key)
            XCTAssertNotEqual(try keys.create("b"), key)
            for name in ["a", "b"] {
                try keys.destroy(name)
                try keys.destroy(name)
                XCTAssertEqual(failure { _ = try keys.load(name) }, .missing)
            }
        }
    }

    func testWhatIsWrappedIsNotStoredPlain() throws {
        let keys = StoredKeys(items: chain, wrapper: MaskingWrapper())
        let key = try keys.create("a")
        let record = try XCTUnwrap(try chain.read("a"))
        XCTAssertNil(record.range(of: key))
        // On a device whose chip it is not, and under another name.
        XCTAssertEqual(failure { _ = try StoredKeys(items: chain, wrapper: nil).load("a") }, .invalidated)
        try chain.add("b", record)
        XCTAssertEqual(failure { _ = try keys.load("b") }, .invalidated)
    }

    func testAKeyThatCannotBeReadIsNeverReplaced() throws {
        let keys = StoredKeys(items: chain, wrapper: nil)
        try chain.add("a", Data("damaged".utf8))
        XCTAssertEqual(failure { _ = try keys.load("a") }, .invalidated)
        XCTAssertEqual(failure { _ = try keys.create("a") }, .invalidated)
        XCTAssertEqual(try chain.read("a"), Data("damaged".utf8))
    }

    func testWhoComesSecondGetsTheKeyOfTheFirst() throws {
        let keys = StoredKeys(items: chain, wrapper: nil)
        let first = try StoreKey.random().bytes
        // Another process stores its key between the look and the adding.
        chain.beforeAdding = { items in items["a"] = KeyRecord.plain(first).encoded }
        XCTAssertEqual(try keys.create("a"), first)
    }

    func testWhatTheKeychainRefusesIsToldAsTheVaultTellsIt() throws {
        let keys = StoredKeys(items: chain, wrapper: nil)
        let told: [(KeychainStatus, VaultFailure)] = [
            (.interactionNotAllowed, .notReady), (.authFailed, .userAuthNeeded), (.userCanceled, .userAuthNeeded),
            (KeychainStatus(code: -34018), .notReady),
        ]
        for (status, expected) in told {
            chain.refusal = status
            XCTAssertEqual(failure { _ = try keys.load("a") }, expected)
            XCTAssertEqual(failure { _ = try keys.create("a") }, expected)
            XCTAssertEqual(failure { try keys.destroy("a") }, expected)
            XCTAssertEqual(failure { try keys.destroyAll(except: []) }, expected)
        }
    }

    func testKeysOfAnEarlierInstallationGo() throws {
        let keys = StoredKeys(items: chain, wrapper: nil)
        let kept = try keys.create("kept")
        _ = try keys.create("left behind")
        try keys.destroyAll(except: ["kept", "never seen"])
        XCTAssertEqual(try chain.names(), ["kept"])
        XCTAssertEqual(try keys.load("kept"), kept)
    }

    func testRecordsOfAnyFormAreReadOrRefused() throws {
        let wrapped = WrappedKey(
            chipKey: Data(repeating: 1, count: 300), ephemeral: Data(repeating: 4, count: 65), box: Data(repeating: 2, count: 76))
        for record in [KeyRecord.plain(Data(repeating: 7, count: 48)), .wrapped(wrapped)] {
            XCTAssertEqual(KeyRecord(record.encoded), record)
            // A slice counts from where it lies, not from nothing.
            XCTAssertEqual(KeyRecord((Data([0]) + record.encoded).dropFirst()), record)
        }
        let whole = KeyRecord.wrapped(wrapped).encoded
        for length in 0..<(whole.count - wrapped.box.count + 1) {
            XCTAssertNil(KeyRecord(whole.prefix(length)), "\(length)")
        }
        for other in [Data(), Data([1]), Data(repeating: 1, count: 50), Data([2, 0, 0]), Data([3]) + Data(repeating: 0, count: 48)] {
            XCTAssertNil(KeyRecord(other))
        }
    }

    private func failure(_ call: () throws -> Void) -> VaultFailure? {
        do {
            try call()
            return nil
        } catch {
            return error as? VaultFailure
        }
    }
}

private final class MemoryKeychain: KeychainItems, @unchecked Sendable {
    private var items: [String: Data] = [:]
    var refusal: KeychainStatus?
    var beforeAdding: ((inout [String: Data]) -> Void)?

    func read(_ name: String) throws(KeychainStatus) -> Data? {
        try refuse()
        return items[name]
    }

    func add(_ name: String, _ record: Data) throws(KeychainStatus) {
        try refuse()
        beforeAdding?(&items)
        if items[name] != nil {
            throw .duplicateItem
        }
        items[name] = record
    }

    func remove(_ name: String) throws(KeychainStatus) {
        try refuse()
        if items.removeValue(forKey: name) == nil {
            throw .itemNotFound
        }
    }

    func names() throws(KeychainStatus) -> [String] {
        try refuse()
        return items.keys.sorted()
    }

    private func refuse() throws(KeychainStatus) {
        if let refusal {
            throw refusal
        }
    }
}

/// Hides a key well enough for a test, and knows the name again that it was wrapped for.
private struct MaskingWrapper: KeyWrapper {
    func wrap(_ key: Data, name: String) throws(VaultFailure) -> WrappedKey {
        WrappedKey(
            chipKey: Data(name.utf8), ephemeral: Data(repeating: 4, count: 65), box: Data(key.map { $0 ^ 0xff }))
    }

    func unwrap(_ wrapped: WrappedKey, name: String) throws(VaultFailure) -> Data {
        guard wrapped.chipKey == Data(name.utf8) else { throw .invalidated }
        return Data(wrapped.box.map { $0 ^ 0xff })
    }
}
