import Curo

// What an app watches.

/// `watch`: begins to watch something.
func watch(_ client: Client, _ args: JSON) throws -> Watched {
    let page = try args.optional("page", JSON.size) ?? 50
    switch try args.string("what") {
    case "session": return Watched(client.session) { shown(.of($0)) }
    case "connection": return Watched(client.connection) { shown(.of($0)) }
    case "outbox": return Watched(client.outbox) { shown(.of($0)) }
    case "unread": return Watched(client.unread) { shown(.of($0)) }
    case "conversation":
        let care = try client.conversation(try args.id("conversation"))
        return Watched(care.states) { shown($0.map { .of($0) } ?? .null) }
    case "list":
        let list = try client.conversationList(pageSize: page)
        return Watched(list.states, window: .list(list)) { state in
            let rows = state.items.map { item -> JSON in
                [
                    "conversation": .text(item.id.rawValue),
                    "title": .of(item.row.title),
                    "unread": .of(item.row.unread),
                    "muted": .bool(item.row.muted),
                ]
            }
            let window: JSON = ["items": .list(rows), "older": .of(state.older), "newer": .of(state.newer)]
            return shown(window, locked: state.locked)
        }
    case "timeline":
        let care = try client.conversation(try args.id("conversation"))
        let timeline = try care.timeline(pageSize: page)
        return Watched(timeline.states, window: .timeline(timeline, care)) { state in
            let window: JSON = [
                "items": .list(state.items.map { .of($0) }),
                "older": .of(state.older),
                "newer": .of(state.newer),
                "new_below": .of(state.newBelow),
                "anchor": .of(state.anchor?.rawValue),
            ]
            return shown(window, locked: state.locked)
        }
    default: throw Fault("`what` cannot be watched")
    }
}

/// The API says of windows whether the client is locked; of the rest the session says so.
private func shown(_ state: JSON, locked: Bool = false) -> JSON {
    ["locked": .bool(locked), "state": state]
}

/// The verbs of a stream.
func perform(on stream: Watched, _ verb: String, _ args: JSON) async throws -> JSON {
    switch (verb, stream.window) {
    case ("next", _): return try await stream.next(after: try args.whole("after"), wait: try args.time("wait_ms"))
    case ("load_older", .timeline(let timeline, _)): try await timeline.loadOlder()
    case ("load_newer", .timeline(let timeline, _)): try await timeline.loadNewer()
    case ("jump_to_newest", .timeline(let timeline, _)): try await timeline.jumpToNewest()
    case ("jump", .timeline(let timeline, let care)):
        // A message carries its item's key.
        let message = try await care.message(try args.reference("message"))?.message
        guard let message else { throw CuroError(code: .unknown) }
        try await timeline.jump(to: message.key)
    case ("load_older", .list(let list)): try await list.loadOlder()
    case ("load_newer", .list(let list)): try await list.loadNewer()
    case ("jump_to_newest", .list(let list)): try await list.jumpToNewest()
    default: throw Fault("this stream has no `\(verb)`")
    }
    return .null
}
