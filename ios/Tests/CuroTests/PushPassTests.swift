import Curo
import Foundation
import XCTest

@testable import CuroNotifications

/// What a notification extension does, over a store that an app has made.
final class PushPassTests: XCTestCase {
    func testAPushForNobodyHereIsNotFetchedAndLeavesTheStoreToTheApp() async throws {
        let relay = try Loopback()
        let (options, vault) = (await relay.options(), MemoryVault())
        let tokens: TokenProvider = { _ in try await relay.token(of: "rn-kim") }
        let app = try await Client.open(options, vault: vault, tokens: tokens)
        try await app.signIn()
        try await app.close()

        let pass = PushPass(options: options, vault: vault, tokens: tokens)
        let badge = try await pass.run(token: String(repeating: "0", count: 32), deadline: .seconds(17))
        XCTAssertNil(badge)
        let again = try await Client.open(options, vault: vault, tokens: tokens)
        try await again.close()
        await relay.stop()
    }

    func testWhatGoesWrongIsThrownForTheHandlerToSwallow() async throws {
        let (root, vault) = (folder(), MemoryVault())
        let app = try await alone(root: root, vault: vault)
        try await app.close()
        let options = ClientOptions(root: root, relay: URL(string: "https://127.0.0.1:9")!)
        let pass = PushPass(options: options, vault: ThrowingVault()) { _ in "" }
        let finished = await within(.seconds(1_000_000)) {
            try await pass.run(token: String(repeating: "0", count: 32), deadline: .seconds(17))
        }
        // A profile whose key is not to be had is nobody's, or an error; never a number.
        switch finished {
        case .done(let badge): XCTAssertNil(badge)
        case .failed: break
        case .late: XCTFail("late")
        }
    }
}
