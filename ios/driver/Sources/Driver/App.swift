import Curo
import Foundation
import Synchronization

/// What the app holds: one client at a time, streams that are watched, places in pages. Its lock is held for moments, never
/// across a wait.
final class App: Sendable {
    private let held = Mutex(Held())

    private struct Held {
        var client: Client?
        var vault: FileVault?
        var streams: [Int64: Watched] = [:]
        var places: [Place] = []
        var lastStream: Int64 = 0
    }

    /// Places in lists are opaque to apps, so they cross as numbers.
    enum Place {
        case page(Cursor)
        case search(SearchCursor)
    }

    /// The client, open or closed.
    func client() throws -> Client {
        guard let client = held.withLock({ $0.client }) else { throw Fault("`open` comes first") }
        return client
    }

    /// `open`: a client from what is on disk.
    func open(_ args: JSON) async throws -> JSON {
        let vault = try FileVault(folder: try args.string("keys"), mode: try args.string("mode"))
        try vault.answer(args["answers"].text ?? "key")
        held.withLock { $0.vault = vault }
        guard let relay = URL(string: try args.string("relay")) else { throw Fault("`relay` is no URL") }
        var options = ClientOptions(root: URL(fileURLWithPath: try args.string("root")), relay: relay)
        options.extraRoots = [try contents(of: try args.string("ca"))]
        options.profile = try args.optional("profile", JSON.id)
        options.requestTimeout = try args.time("request_timeout_ms")
        (options.retryMin, options.retryMax) = (.milliseconds(20), .milliseconds(500))
        options.idleLock = try args.optional("idle_lock_ms", JSON.time)
        options.sessionLimit = try args.optional("session_limit_ms", JSON.time)
        let tokens = URL(fileURLWithPath: try args.string("tokens"))
        let client = try await Client.open(options, vault: vault) { reason in
            try token(in: tokens, for: reason)
        }
        let profile = try client.profile()
        held.withLock { held in
            held.client = client
            held.streams = [:]
            held.places = []
        }
        return ["profile": .text(profile.rawValue)]
    }

    /// `vault`: what it answers from now on.
    func vaultAnswers(_ args: JSON) throws -> JSON {
        guard let vault = held.withLock({ $0.vault }) else { throw Fault("`open` comes first") }
        try vault.answer(try args.string("answers"))
        return nil
    }

    /// Keeps a stream and gives its number.
    func watch(_ stream: Watched) -> JSON {
        let number = held.withLock { held in
            held.lastStream += 1
            held.streams[held.lastStream] = stream
            return held.lastStream
        }
        return ["stream": .number(number)]
    }

    func stream(_ args: JSON) throws -> Watched {
        let number = try args.whole("stream")
        guard let stream = held.withLock({ $0.streams[number] }) else { throw Fault("no such stream") }
        return stream
    }

    func unwatch(_ args: JSON) throws -> JSON {
        let number = try args.whole("stream")
        let gone = held.withLock { $0.streams.removeValue(forKey: number) }
        gone?.end()
        return nil
    }

    /// A number for a place; null for none.
    func keep(_ place: Place?) -> JSON {
        guard let place else { return nil }
        return held.withLock { held in
            held.places.append(place)
            return .of(held.places.count - 1)
        }
    }

    /// The place in pages that an argument names, if it names any.
    func cursor(_ args: JSON, _ name: String) throws -> Cursor? {
        switch try place(args, name) {
        case .page(let cursor): cursor
        case .search: throw Fault("`\(name)` is a place in a search")
        case nil: nil
        }
    }

    /// The place in a search that an argument names, if it names any.
    func searchCursor(_ args: JSON, _ name: String) throws -> SearchCursor? {
        switch try place(args, name) {
        case .search(let cursor): cursor
        case .page: throw Fault("`\(name)` is a place in pages")
        case nil: nil
        }
    }

    private func place(_ args: JSON, _ name: String) throws -> Place? {
        guard let number = try args.optional(name, JSON.size) else { return nil }
        let place = held.withLock { $0.places.indices.contains(number) ? $0.places[number] : nil }
        guard let place else { throw Fault("`\(name)`: no such place") }
        return place
    }
}

private func contents(of file: String) throws -> Data {
    do {
        return try Data(contentsOf: URL(fileURLWithPath: file))
    } catch {
        throw Fault("\(file) cannot be read")
    }
}

/// A token as the runner has put it into a folder: a file for each reason; none means that there is no token.
private func token(in folder: URL, for reason: TokenReason) throws -> String {
    let file =
        switch reason {
        case .first: "first"
        case .refused: "refused"
        case .sessionOver: "session_over"
        }
    return try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
}
