import Foundation
import XCTest

@testable import CuroApp
@testable import CuroNotifications

/// What the products for apps and extensions do without Apple's frameworks.
final class AppTests: XCTestCase {
    func testTheLastWishWinsAndStepsNeverOverlap() async {
        let steps = Steps()
        let turns = Turns { await steps.take($0) }
        await turns.wish(.front)
        await steps.expect([])

        // The first step is held: what is wished meanwhile waits, and what is overtaken is skipped.
        let gone = Task { await turns.wish(.back) }
        await steps.held(.back)
        let others = [Turns.Place.front, .back, .front, .back].map { place in Task { await turns.wish(place) } }
        await steps.letGo()
        await gone.value
        for other in others { await other.value }
        await turns.wish(.front)
        let places = await steps.finished
        XCTAssertEqual(places.first, .back)
        XCTAssertEqual(places.last, .front)
        XCTAssertTrue(zip(places, places.dropFirst()).allSatisfy { $0 != $1 }, "\(places)")
        let overlapped = await steps.overlapped
        XCTAssertFalse(overlapped)
    }

    func testWorkThatFailsOrTakesTooLongIsAnsweredOnce() async {
        struct Canary: Error {}
        let never: @Sendable (Duration) async throws -> Void = { _ in try await Task.sleep(for: .seconds(1_000_000)) }
        guard case .done(7) = await within(.zero, sleep: never, { 7 }) else { return XCTFail("not done") }
        let failed: Finished<Int> = await within(.zero, sleep: never) { throw Canary() }
        guard case .failed = failed else { return XCTFail("\(failed)") }
        let late = await within(.zero, sleep: { _ in }) { try await never(.zero) }
        guard case .late = late else { return XCTFail("\(late)") }
    }

    func testWorkThatIsTooLateIsCancelledAndNotWaitedFor() async {
        let (cancelled, told) = AsyncStream.makeStream(of: Bool.self)
        let late = await within(.zero, sleep: { _ in }) {
            try? await Task.sleep(for: .seconds(1_000_000))
            told.yield(Task.isCancelled)
        }
        guard case .late = late else { return XCTFail("\(late)") }
        let heard = await cancelled.first { _ in true }
        XCTAssertEqual(heard, true)
    }

    func testOnlyTheFirstIsTaken() async {
        let once = Once<Int>()
        let gave = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<50 { group.addTask { once.give(number) } }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        XCTAssertEqual(gave, 1)
        let first = await once.taken()
        XCTAssertTrue((0..<50).contains(first))
        XCTAssertFalse(once.give(50))
    }

    func testThePrivacyManifestIsOne() throws {
        let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Sources/Curo")
        let data = try Data(contentsOf: sources.appendingPathComponent("PrivacyInfo.xcprivacy"))
        let manifest = try PropertyListSerialization.propertyList(from: data, format: nil) as? [String: Any]
        XCTAssertEqual(manifest?["NSPrivacyTracking"] as? Bool, false)
        let apis = try XCTUnwrap(manifest?["NSPrivacyAccessedAPITypes"] as? [[String: Any]])
        for api in apis {
            XCTAssertNotNil(api["NSPrivacyAccessedAPIType"] as? String)
            XCTAssertEqual((api["NSPrivacyAccessedAPITypeReasons"] as? [String])?.isEmpty, false)
        }
        XCTAssertFalse(apis.isEmpty)
    }
}

/// Takes steps; the first one waits until it is let go.
private actor Steps {
    private(set) var finished: [Turns.Place] = []
    private(set) var overlapped = false
    private var isTaking = false
    private var isFirst = true
    private let begun = AsyncStream.makeStream(of: Turns.Place.self)
    private let go = AsyncStream.makeStream(of: Void.self)

    func take(_ place: Turns.Place) async {
        overlapped = overlapped || isTaking
        isTaking = true
        if isFirst {
            isFirst = false
            begun.continuation.yield(place)
            _ = await go.stream.first { true }
        }
        isTaking = false
        finished.append(place)
    }

    func held(_ place: Turns.Place) async {
        let first = await begun.stream.first { _ in true }
        XCTAssertEqual(first, place)
    }

    func letGo() {
        go.continuation.yield()
    }

    func expect(_ places: [Turns.Place]) {
        XCTAssertEqual(finished, places)
    }
}
