import Curo
import Foundation
import XCTest

/// The reason for calls rides on handles.
final class AccessTests: XCTestCase {
    private let reason = AccessContext(
        purposeOfUse: "BTG", role: "CANARY", reasonCode: "unconscious",
        onBehalfOf: UserID(rawValue: String(repeating: "a", count: 32)),
        disclosure: Disclosure(
            recipient: "CANARY", address: "CANARY", summary: "CANARY", purpose: "CANARY", accountable: true))

    func testEveryHandleThatComesFromOneCarriesItsReason() async throws {
        let client = try await alone()
        XCTAssertNil(try client.access())
        let forced = try client.withAccess(reason)
        XCTAssertEqual(try forced.access(), reason)
        XCTAssertNil(try client.access())

        let id = ConversationID(rawValue: String(repeating: "c", count: 32))
        XCTAssertEqual(try forced.conversation(id).access(), reason)
        let plain = try client.conversation(id)
        XCTAssertNil(try plain.access())
        XCTAssertEqual(try plain.withAccess(reason).access(), reason)
        try await forced.close()
        let closed = await code { _ = try await client.conversations() }
        XCTAssertEqual(closed, .closed)
    }

    func testWhatIsNoReasonIsRefused() async throws {
        let client = try await alone()
        for wrong in ["", "treat", String(repeating: "A", count: 65)] {
            XCTAssertThrowsError(try client.withAccess(AccessContext(purposeOfUse: wrong)), wrong) {
                XCTAssertEqual(($0 as? CuroError)?.code, .invalidArgument)
            }
        }
        try await client.close()
    }

    func testNothingOfItIsPrinted() throws {
        for value in [reason as Any, try XCTUnwrap(reason.disclosure)] {
            var dumped = ""
            dump(value, to: &dumped)
            XCTAssertFalse("\(value) \(String(reflecting: value)) \(dumped)".contains("CANARY"))
        }
    }

    func testItIsTooLateToChooseThreadsOnceTheLibraryRuns() async throws {
        let client = try await alone()
        XCTAssertNoThrow(try configureRuntime(.app))
        XCTAssertThrowsError(try configureRuntime(.extension)) {
            XCTAssertEqual(($0 as? CuroError)?.code, .busy)
        }
        try await client.close()
    }
}
