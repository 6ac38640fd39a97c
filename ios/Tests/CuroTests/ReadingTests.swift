import Curo
import Foundation
import XCTest

/// Pages, search, receipts, drafts, devices, background work and the log, over a real relay.
final class ReadingTests: XCTestCase {
    func testWhatWasSaidIsReadInPagesFoundAndTold() async throws {
        let relay = try Loopback()
        let (kim, lee) = (try await relay.person("rn-kim"), try await relay.person("dr-lee"))
        let found = try await kim.findPeople(["dr-lee"])
        let care = try await kim.createConversation(with: found.map(\.user)).conversation
        for number in 1...5 {
            try await care.send("potassium \(number)")
        }
        _ = try await kim.outbox.until { $0.waiting == 0 }
        _ = try await lee.unread.until { $0.messages == 5 }

        let newest = try await care.latest(limit: 2)
        XCTAssertEqual(said(newest), ["potassium 4", "potassium 5"])
        XCTAssertNil(newest.newer)
        let older = try await care.before(try XCTUnwrap(newest.older), limit: 2)
        XCTAssertEqual(said(older), ["potassium 2", "potassium 3"])
        let again = try await care.after(try XCTUnwrap(older.newer), limit: 2)
        XCTAssertEqual(said(again), ["potassium 4", "potassium 5"])
        let tooMany = await code { _ = try await care.latest(limit: 301) }
        XCTAssertEqual(tooMany, .invalidArgument)

        let message = try XCTUnwrap(newest.items.last?.message)
        let one = try await care.message(message.reference)
        XCTAssertEqual(one?.message?.body, .text("potassium 5"))
        var reply = NewMessage("seen")
        reply.replyTo = message.reference
        reply.thread = message.reference
        try await care.send(reply)
        let replies = try await care.replies(to: message.reference, limit: 10)
        XCTAssertEqual(replies.compactMap(text), ["seen"])
        let thread = try await care.thread(of: message.reference, limit: 10)
        XCTAssertEqual(said(thread), ["seen"])

        let hits = try await kim.search("potas 5").hits
        XCTAssertEqual(hits.map(\.message), [message.reference])
        let hit = try XCTUnwrap(hits.first)
        let units = Array(hit.snippet.utf16)
        let highlighted = hit.highlights.map { String(decoding: units[$0], as: UTF16.self) }
        XCTAssertEqual(highlighted, ["potassium", "5"])
        let first = try await care.search("potassium", limit: 3)
        let rest = try await care.search("potassium", after: try XCTUnwrap(first.next), limit: 3)
        XCTAssertEqual(first.hits.count + rest.hits.count, 5)
        XCTAssertNil(rest.next)

        let there = try lee.conversation(care.id)
        try await there.markRead(upTo: message.reference)
        let timeline = try care.timeline(from: .newest)
        _ = try await timeline.states.until { state in
            state.items.contains { $0.message?.delivery == .read(by: 1, of: 1) }
        }
        let receipts = try await care.receipts(of: message.reference)
        XCTAssertEqual(receipts.map(\.user), found.map(\.user))
        XCTAssertEqual(receipts.map(\.read), [true])

        try await care.setDraft("half a sen")
        let draft = try await care.draft()
        XCTAssertEqual(draft?.text, "half a sen")
        let devices = try await kim.devices()
        XCTAssertEqual(devices.map(\.current), [true])
        let pass = try await kim.runBackground(deadline: .seconds(20))
        XCTAssertTrue(pass.complete)
        let sends = try await kim.sendsReadReceipts()
        XCTAssertTrue(sends)
        let unsent = try await kim.unsent()
        XCTAssertEqual(unsent, OutboxState(waiting: 0, failed: 0))
        let waiting = try await kim.waiting.current()
        XCTAssertEqual(waiting, [])

        try await kim.close()
        try await lee.close()
        await relay.stop()
    }

    func testAProfileIsListedAndErasedWithoutOpeningIt() async throws {
        let (root, vault) = (folder(), MemoryVault())
        let client = try await alone(root: root, vault: vault)
        let profile = try client.profile()
        try await client.close()
        let listed = try await Client.accounts(root: root, vault: vault)
        XCTAssertEqual(listed.map(\.profile), [profile])
        XCTAssertEqual(listed.map(\.owner), [.nobody])
        try await Client.eraseProfile(root: root, profile: profile, vault: vault)
        let left = try await Client.accounts(root: root, vault: vault)
        XCTAssertEqual(left, [])
    }

    func testTheLogComesInBatchesAndStops() async throws {
        let (codes, heard) = AsyncStream.makeStream(of: String.self)
        try setLogSink(level: .debug) { batch in
            batch.records.forEach { heard.yield($0.code) }
        }
        let client = try await alone()
        // Of nobody yet: refused, and logged.
        let refused = await code { try await client.start() }
        XCTAssertEqual(refused, .signInNeeded)
        _ = await code { _ = try await client.catchUp() }
        let first = await codes.first { _ in true }
        XCTAssertNotNil(first)
        try clearLogSink()
        try await client.close()
    }

    func testNothingOfWhatIsReadIsPrinted() {
        let canary = "CANARY"
        let place = MessageRef(sender: DeviceID(rawValue: "device"), message: MessageID(rawValue: "message"))
        let message = Message(
            reference: place, key: ItemKey(rawValue: "key"), sender: UserID(rawValue: "user"), body: .text(canary))
        let item = Item(cursor: Cursor(rawValue: "place"), entry: .message(message))
        let hit = Hit(
            conversation: ConversationID(rawValue: "id"), message: place, cursor: item.cursor, snippet: canary)
        let account = Account(
            tenant: TenantID(rawValue: "t"), user: UserID(rawValue: "u"), device: DeviceID(rawValue: "d"))
        let owner = ProfileOwner.account(account, label: canary)
        for value: any Redacted in [
            item, Page(items: [item]), hit, SearchPage(hits: [hit]), SavedDraft(text: canary, savedAt: Date()), owner,
            ProfileEntry(profile: ProfileID(rawValue: "p"), owner: owner),
            WaitingDevice(device: DeviceID(rawValue: "d"), askedAt: Date(), code: canary),
        ] {
            var dumped = ""
            dump(value, to: &dumped)
            XCTAssertFalse("\(value) \(String(reflecting: value)) \(dumped)".contains(canary))
        }
    }

    private func said(_ page: Page) -> [String] {
        page.items.compactMap(text)
    }
}

private func text(_ item: Item) -> String? {
    if case .text(let text)? = item.message?.body { text } else { nil }
}
