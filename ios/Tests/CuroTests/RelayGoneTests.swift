import Curo
import Foundation
import XCTest

/// A relay that dies in the middle takes nothing with it.
final class RelayGoneTests: XCTestCase {
    func testARelayThatDiesIsWaitedFor() async throws {
        let relay = try Loopback()
        let kim = try await relay.person("rn-kim")
        _ = try await kim.connection.until { $0 == .live }
        await relay.stop()
        let state = try await kim.connection.until {
            if case .waiting = $0 { true } else { false }
        }
        XCTAssertNotEqual(state, .live)
        let failure = await code { try await kim.catchUp() }
        XCTAssertNotNil(failure)
        try await kim.close()
    }

    func testAConnectionThatIsClosedSendsNoSignal() async throws {
        let client = try await alone()
        // This is how the process would end.
        XCTAssertEqual(raise(SIGPIPE), 0)
        try await client.close()
    }
}
