import Foundation
import XCTest

@testable import Curo

/// What needs no relay.
final class LocalTests: XCTestCase {
    func testErrorsBearTheirCodes() async throws {
        var options = ClientOptions(root: folder(), relay: URL(string: "http://relay.example")!)
        let refused = options
        let plain = await code { _ = try await Client.open(refused, vault: MemoryVault()) { _ in "" } }
        XCTAssertEqual(plain, .invalidArgument)

        let client = try await alone()
        let offline = await code { try await client.start() }
        XCTAssertEqual(offline, .signInNeeded)
        XCTAssertThrowsError(try client.conversation(ConversationID(rawValue: "no id"))) {
            XCTAssertEqual(($0 as? CuroError)?.code, .invalidArgument)
        }
        try await client.close()
        try await client.close()
        let closed = await code { _ = try await client.conversations() }
        XCTAssertEqual(closed, .closed)
        options.idleLock = .seconds(-1)
        let negative = options
        let time = await code { _ = try await Client.open(negative, vault: MemoryVault()) { _ in "" } }
        XCTAssertEqual(time, .invalidArgument)
    }

    func testAVaultThatThrowsIsNotReady() async throws {
        do {
            _ = try await alone(vault: ThrowingVault())
            XCTFail("opened")
        } catch let error as CuroError {
            XCTAssertEqual(error.code, .vaultNotReady)
            XCTAssertFalse("\(error) \(error.localizedDescription)".contains("CANARY"))
        }
    }

    func testEveryCodeOfTheLibraryIsKnownHere() throws {
        XCTAssertEqual(Set(ErrorCode.known.map(\.rawValue)), try knownCodesOfTheLibrary())
    }

    func testASequenceEndsWithItsTaskAndWithItsClient() async throws {
        let client = try await alone()
        let session = client.session
        let task = Task { () -> Int in
            var seen = 0
            for await _ in session { seen += 1 }
            return seen
        }
        _ = try await session.current()
        task.cancel()
        _ = await task.value
        let last = Task { () -> SessionState? in
            var last: SessionState?
            for await state in session { last = state }
            return last
        }
        _ = try await session.current()
        try await client.close()
        let state = await last.value
        XCTAssertTrue(state == nil || state == .closed || state == .signInNeeded, "\(String(describing: state))")
    }

    func testNothingOfWhatPeopleWriteIsPrinted() {
        var options = ClientOptions(root: URL(fileURLWithPath: "/CANARY"), relay: URL(string: "https://relay.example")!)
        options.proxy = .init(url: URL(string: "http://proxy.example")!, user: "CANARY", password: "CANARY")
        let values: [Any] = [
            NewMessage("CANARY"), Body.text("CANARY"), Subject(system: "CANARY", value: "CANARY"), options,
            Entry.about(StateChange(.init(by: nil, title: "CANARY", bound: [], unbound: [], roles: []))),
            [Body.text("CANARY")], Optional.some(Body.text("CANARY")) as Any,
        ]
        for value in values {
            var dumped = ""
            dump(value, to: &dumped)
            XCTAssertFalse("\(value) \(String(reflecting: value)) \(dumped)".contains("CANARY"))
        }
    }
}

/// Two people, over a real relay.
final class RelayTests: XCTestCase {
    func testTwoPeopleTalk() async throws {
        let relay = try Loopback()
        let (kim, lee) = (try await relay.person("rn-kim"), try await relay.person("dr-lee"))
        _ = try await kim.connection.until { $0 == .live }
        let session = try await kim.session.current()
        XCTAssertEqual(session, .active)

        let found = try await kim.findPeople(["dr-lee"])
        let created = try await kim.createConversation(with: found.map(\.user), options: CreateOptions(title: "Bed 12 🛏️"))
        let care = created.conversation
        let id = try MessageID.random()
        let text = "BP 118/76 — שלום 👩🏽‍⚕️"
        let sent = try await care.send(text, id: id)
        XCTAssertEqual(sent, id)
        let again = try await care.send(text, id: id)
        XCTAssertEqual(again, id)

        let unread = try await lee.unread.until { $0.messages == 1 }
        XCTAssertEqual(unread, Unread(messages: 1, conversations: 1))
        let list = try lee.conversationList()
        let rows = try await list.states.until { $0.items.first?.row.last != nil }
        XCTAssertEqual(rows.items.first?.row.title, "Bed 12 🛏️")
        XCTAssertEqual(rows.items.first?.row.last?.body, .text(text))

        let there = try lee.conversation(try XCTUnwrap(rows.items.first).id)
        let state = try await there.timeline().states.until { $0.items.contains { $0.message != nil } }
        let message = try XCTUnwrap(state.items.compactMap(\.message).first)
        XCTAssertEqual(message.body, .text(text))
        XCTAssertFalse(message.own)
        XCTAssertFalse("\(state) \(message)".contains("118"))
        try await there.markRead(upTo: message.reference)
        _ = try await lee.unread.until { $0.messages == 0 }

        let timeline = try care.timeline(from: .newest)
        let read = try await timeline.states.until {
            $0.items.contains { $0.message?.delivery == .read(by: 1, of: 1) }
        }
        XCTAssertEqual(read.items.compactMap(\.message).count, 1)
        _ = try await kim.outbox.until { $0 == OutboxState(waiting: 0, failed: 0) }

        try await kim.lock()
        let hidden = try await timeline.states.until { $0.locked }
        XCTAssertTrue(hidden.items.isEmpty)
        try await kim.unlock()
        _ = try await timeline.states.until { !$0.locked && !$0.items.isEmpty }

        try await kim.close()
        try await lee.close()
        await relay.stop()
    }
}
