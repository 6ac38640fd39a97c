import Curo
import Foundation
import XCTest

/// What an app does to test its screens without a client: a protocol of its own, and states that it makes.
private protocol Chat: Sendable {
    var states: Snapshots<ConversationInfo?> { get }
    @discardableResult
    func send(_ text: String, id: MessageID?) async throws(CuroError) -> MessageID
}

extension Conversation: Chat {}

/// Says what was sent, or fails.
private actor FakeChat: Chat {
    nonisolated let head = SnapshotSource<ConversationInfo?>(nil)
    nonisolated var states: Snapshots<ConversationInfo?> { head.snapshots }
    private(set) var sent: [String] = []

    func send(_ text: String, id: MessageID?) async throws(CuroError) -> MessageID {
        if text.isEmpty {
            throw CuroError(code: .invalidArgument)
        }
        sent.append(text)
        return MessageID(rawValue: "fake")
    }
}

final class FakeTests: XCTestCase {
    func testAnAppFakesAConversationThroughItsOwnProtocol() async throws {
        let fake = FakeChat()
        let chat: any Chat = fake
        try await chat.send("BP 118/76", id: nil)
        let refused = await code { try await chat.send("", id: nil) }
        XCTAssertEqual(refused, .invalidArgument)
        let sent = await fake.sent
        XCTAssertEqual(sent, ["BP 118/76"])

        let empty = try await chat.states.current()
        XCTAssertNil(empty)
        let id = ConversationID(rawValue: "bed-12")
        fake.head.publish(ConversationInfo(id: id, title: "Bed 12", activityAt: Date()))
        let info = try await chat.states.until { $0 != nil }
        XCTAssertEqual(info?.title, "Bed 12")
    }

    func testOnlyTheNewestStateIsShownAndNoneTwice() async {
        let source = SnapshotSource(1)
        var (one, other) = (source.snapshots.makeAsyncIterator(), source.snapshots.makeAsyncIterator())
        let first = await one.next()
        XCTAssertEqual(first, 1)
        source.publish(2)
        source.publish(3)
        let (newest, alsoNewest) = (await one.next(), await other.next())
        XCTAssertEqual([newest, alsoNewest], [3, 3])
        source.finish()
        let (end, otherEnd, late) = (await one.next(), await other.next(), await source.snapshots.first { _ in true })
        XCTAssertEqual([end, otherEnd, late], [nil, nil, nil])
    }

    func testAWaitEndsWithItsTaskAndOthersGoOn() async {
        let source = SnapshotSource(0)
        let gone = Task { () -> Int in
            var last = -1
            for await state in source.snapshots { last = state }
            return last
        }
        let stays = Task { () -> [Int] in
            var seen: [Int] = []
            for await state in source.snapshots { seen.append(state) }
            return seen
        }
        gone.cancel()
        let last = await gone.value
        XCTAssertTrue([-1, 0].contains(last))
        source.publish(1)
        let newer = Task { await source.snapshots.first { $0 == 1 } }
        let found = await newer.value
        XCTAssertEqual(found, 1)
        source.finish()
        // What it saw depends on when it began; never a state twice, never an older one after a newer one.
        let seen = await stays.value
        XCTAssertTrue([[], [0], [1], [0, 1]].contains(seen), "\(seen)")
    }

    func testACancelledTaskBeginsNoWait() async {
        let source = SnapshotSource(0)
        let task = Task { () -> Int? in
            withUnsafeCurrentTask { $0?.cancel() }
            return await source.snapshots.first { $0 == 1 }
        }
        let found = await task.value
        XCTAssertNil(found)
    }
}
