// The measurements. Those in Rust and Kotlin are the same, step for step: whoever changes one changes all three.

import Curo
import Foundation

/// What a live message says.
private let live = "live"
/// Calls that one figure of a call is the mean of: a single one is shorter than clocks can tell.
private let batch = 100
/// Calls before those that count, for each that counts: a virtual machine compiles what is called often.
private let warm = 2
/// Live messages before those that count; they come one by one and take their time.
private let first = 5
/// The longest text that there is: 1 MiB but for 1 KiB.
private let longest = 1024 * 1024 - 1024

/// Makes a device: its user's id.
@MainActor
func signIn(_ folder: URL) async throws {
    let client = try await open(folder)
    let account = try await client.signIn()
    try await client.close()
    say(#"{"user":"\#(account.user)"}"#)
}

/// From the program's first line to the first snapshot of a conversation, without the network.
@MainActor
func startUp(_ folder: URL, since begun: ContinuousClock.Instant) async throws {
    let client = try await open(folder)
    let ward = try await conversation(client)
    let timeline = try ward.timeline()
    let shown = try await timeline.states.current()
    report("start_up", [.now - begun])
    guard !shown.items.isEmpty else { throw Fault("nothing to show") }
    try await client.close()
}

/// From the start to the last of so many messages in a conversation that this device has yet to join.
@MainActor
func catchUp(_ folder: URL, _ count: Int) async throws {
    let client = try await open(folder)
    let last = "note number \(count) of a long stay"
    let begun = ContinuousClock.now
    try await client.start()
    let ward = try await conversation(client)
    try await until(try newest(ward, 50).states) { $0.items.contains { text($0) == last } }
    report("catch_up", [.now - begun])
    try await client.close()
}

/// Everything that needs a client that runs: `count` figures of each call.
@MainActor
func calls(_ folder: URL, _ count: Int) async throws {
    let client = try await open(folder)
    try await client.start()
    let ward = try await conversation(client)
    try await until(client.connection) { $0 == .live }
    try await noOp(client, count)
    try await snapshots("snapshot_50", try newest(ward, 50), count, 50)
    try await snapshots("snapshot_300", try newest(ward, 300), count, 300)
    try await texts(ward, count)
    try await arrivals(ward, count)
    try await client.close()
}

/// Waits for an element; a sequence that ends before has measured nothing.
@MainActor
private func until<States: AsyncSequence>(_ states: States, _ holds: (States.Element) -> Bool) async throws {
    for try await state in states where holds(state) { return }
    throw Fault("what was waited for never came")
}

/// A client that is started already: nothing is done but the call.
@MainActor
private func noOp(_ client: Client, _ count: Int) async throws {
    var times: [Duration] = []
    for _ in 0..<count * (warm + 1) {
        let begun = ContinuousClock.now
        for _ in 0..<batch {
            try await client.start()
        }
        times.append((.now - begun) / batch)
    }
    report("no_op_call", Array(times.dropFirst(count * warm)))
}

/// The newest snapshot of an open timeline, asked for anew.
@MainActor
private func snapshots(_ name: String, _ timeline: Timeline, _ count: Int, _ items: Int) async throws {
    var times: [Duration] = []
    for _ in 0..<count * (warm + 1) {
        let begun = ContinuousClock.now
        let snapshot = try await timeline.states.current()
        times.append(.now - begun)
        guard snapshot.items.count == items else { throw Fault("\(snapshot.items.count) items") }
    }
    report(name, Array(times.dropFirst(count * warm)))
}

/// The longest text as a draft: into the library, and out of it again.
@MainActor
private func texts(_ ward: Conversation, _ count: Int) async throws {
    let text = String(repeating: "x", count: longest)
    var there: [Duration] = []
    var back: [Duration] = []
    for _ in 0..<count * (warm + 1) {
        var begun = ContinuousClock.now
        try await ward.setDraft(text)
        there.append(.now - begun)
        begun = .now
        let draft = try await ward.draft()
        back.append(.now - begun)
        guard draft?.text.utf8.count == longest else { throw Fault("another draft") }
    }
    try await ward.setDraft("")
    report("text_in", Array(there.dropFirst(count * warm)))
    report("text_out", Array(back.dropFirst(count * warm)))
}

/// From the relay's accept of a message, by the time that it gave it, to the snapshot with it.
@MainActor
private func arrivals(_ ward: Conversation, _ count: Int) async throws {
    var known: Set<ItemKey> = []
    var times: [Duration] = []
    var asked = false
    for await snapshot in try newest(ward, 50).states {
        let now = Date()
        for item in snapshot.items where text(item) == live && known.insert(item.key).inserted && asked {
            guard let accepted = item.item.acceptedAt else { throw Fault("not accepted") }
            times.append(.seconds(now.timeIntervalSince(accepted)))
        }
        if !asked { say(#"{"want":\#(first + count)}"#) }
        asked = true
        if times.count >= first + count { break }
    }
    guard times.count >= first + count else { throw Fault("the timeline has ended") }
    report("accept_to_visible", Array(times.dropFirst(first)))
}
