import Curo
import Foundation
import XCTest

/// What docs/swift.md shows; a test of xtask compares the two.
final class QuickStartTests: XCTestCase {
    func testTheQuickStart() async throws {
        let relay = try Loopback()
        let lee = try await relay.person("dr-lee")
        let (options, vault, auth, screen) = (await relay.options(), MemoryVault(), Auth(relay), Screen())
        let app = Task { try await quickStart(options, vault, auth, screen) }

        let unread = try await lee.unread.until { $0.messages == 1 }
        XCTAssertEqual(unread.conversations, 1)
        let shown = await screen.first { $0.contains { $0.message?.body == .text("BP 118/76") } }
        XCTAssertTrue(shown)
        app.cancel()
        try await app.value
        try await lee.close()
        await relay.stop()
    }
}

private func quickStart(
    _ options: ClientOptions, _ vault: any KeyVault, _ auth: Auth, _ screen: Screen
) async throws {
    // quick start
    let client = try await Client.open(options, vault: vault) { reason in  // no network
        try await auth.accessToken(for: reason)
    }
    try await client.signIn()  // once: registers this device
    try await client.start()  // live, until stop, lock or close

    let people = try await client.findPeople(["dr-lee"])
    let care = try await client.createConversation(
        with: people.map(\.user), options: CreateOptions(title: "Ward 4, bed 12")
    ).conversation
    try await care.send("BP 118/76")  // durable when it returns, works offline

    let timeline = try care.timeline()  // a window that starts at the first unread
    for await state in timeline.states {  // until the task is cancelled
        await screen.show(state.items)
    }
    try await client.close()
    // end of the quick start
}

/// The app's own sign-in.
private struct Auth {
    private let relay: Loopback

    init(_ relay: Loopback) {
        self.relay = relay
    }

    func accessToken(for reason: TokenReason) async throws -> String {
        try await relay.token(of: "rn-kim")
    }
}

/// The app's own screen.
private actor Screen {
    private let shown = AsyncStream.makeStream(of: [TimelineItem].self)

    func show(_ items: [TimelineItem]) {
        shown.continuation.yield(items)
    }

    /// Waits for items as wanted.
    func first(_ wanted: @Sendable ([TimelineItem]) -> Bool) async -> Bool {
        await shown.stream.first { wanted($0) } != nil
    }
}
