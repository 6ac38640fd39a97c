import Curo
import CuroSample
import Foundation
import XCTest

/// The sample's screen, driven as SwiftUI drives it, over a real relay.
final class SampleTests: XCTestCase {
    func testAConversationOnAScreen() async throws {
        try await useAScreen()
    }
}

@MainActor
private func useAScreen() async throws {
    let relay = try Loopback()
    let (kim, lee) = (try await relay.person("rn-kim"), try await relay.person("dr-lee"))
    let found = try await kim.findPeople(["dr-lee"])
    let care = try await kim.createConversation(with: found.map(\.user), options: CreateOptions(title: "Bed 12")).conversation
    let (model, changes) = (try ConversationModel(care), AsyncStream.makeStream(of: Void.self))
    model.changed = { changes.continuation.yield() }
    let screen = Task { await model.follow() }
    func until(_ wanted: (ConversationModel.Screen) -> Bool) async {
        if wanted(model.screen) { return }
        for await _ in changes.stream where wanted(model.screen) { return }
    }

    await until { $0.title == "Bed 12" }
    await model.write("BP 118/76")
    let (once, twice) = (Task { await model.send() }, Task { await model.send() })
    _ = await (once.value, twice.value)
    XCTAssertEqual(model.screen.draft, "")
    XCTAssertEqual("\(model.screen)", "Screen(redacted)")
    await until { $0.items.contains { $0.message?.body == .text("BP 118/76") } }

    _ = try await lee.unread.until { $0.messages == 1 }
    let rows = try await lee.conversationList().states.until { !$0.items.isEmpty }
    let there = try lee.conversation(try XCTUnwrap(rows.items.first).id)
    try await there.send("thank you")
    await until { $0.items.contains { $0.message?.body == .text("thank you") } }
    let answer = try XCTUnwrap(model.screen.items.last { $0.message?.own == false }?.message)
    await model.saw(answer)
    _ = try await kim.unread.until { $0.messages == 0 }

    try await kim.lock()
    await until { $0.locked && $0.items.isEmpty }
    await model.write("while locked")
    XCTAssertEqual(model.screen.problem, .locked)
    try await kim.unlock()
    await until { !$0.locked && !$0.items.isEmpty }
    screen.cancel()
    await screen.value

    // The screen comes back.
    try await kim.start()
    let again = Task { await model.follow() }
    try await there.send("one more thing")
    await until { $0.items.contains { $0.message?.body == .text("one more thing") } }
    let first = model.screen.items.filter { $0.message?.body == .text("BP 118/76") }
    XCTAssertEqual(first.count, 1)
    again.cancel()
    await again.value

    // Each letter is a write of its own; the last one stays, and is there when the conversation is opened anew.
    let letters = ["t", "te", "tel"].map { text in Task { await model.write(text) } }
    for letter in letters { await letter.value }
    XCTAssertEqual(model.screen.draft, "tel")
    let anew = try ConversationModel(care)
    let drafts = AsyncStream.makeStream(of: Void.self)
    anew.changed = { drafts.continuation.yield() }
    let opened = Task { await anew.follow() }
    if anew.screen.draft != "tel" {
        for await _ in drafts.stream where anew.screen.draft == "tel" { break }
    }
    opened.cancel()
    await opened.value
    for client in [kim, lee] { try await client.close() }
    await relay.stop()
}
