import Curo
import Foundation

/// Does what a request asks for: every verb of the protocol, one call of the API each.
func perform(_ app: App, _ verb: String, _ args: JSON) async throws -> JSON {
    switch verb {
    case "open": return try await app.open(args)
    case "vault": return try app.vaultAnswers(args)
    case "profiles": return try await profiles(args)
    case "next", "load_older", "load_newer", "jump", "jump_to_newest":
        return try await perform(on: try app.stream(args), verb, args)
    case "unwatch": return try app.unwatch(args)
    default: break
    }
    let client = try app.client()
    if verb == "watch" {
        return app.watch(try watch(client, args))
    }
    if let done = try await perform(on: client, app, verb, args) {
        return done
    }
    if args["conversation"].isNull {
        throw Fault("no verb `\(verb)` without `conversation`")
    }
    let care = try client.conversation(try args.id("conversation"))
    if let done = try await perform(on: care, app, verb, args) {
        return done
    }
    if let done = try await perform(onMessagesOf: care, verb, args) {
        return done
    }
    throw Fault("no verb `\(verb)`")
}

private func profiles(_ args: JSON) async throws -> JSON {
    let vault = try FileVault(folder: try args.string("keys"), mode: try args.string("mode"))
    let root = URL(fileURLWithPath: try args.string("root"))
    return .list(try await Client.accounts(root: root, vault: vault).map { .of($0) })
}
