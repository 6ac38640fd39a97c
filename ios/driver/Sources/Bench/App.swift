// An app without a screen: its client, and what it looks for in what it is shown.

import Curo
import Foundation

/// Keys as they are, in files: for measurements alone.
private struct FileVault: KeyVault {
    let mode = VaultMode.background
    let folder: URL

    func loadKey(_ name: ProfileID) async throws -> StoreKey {
        guard let key = try? Data(contentsOf: file(name)) else { throw VaultFailure.missing }
        return StoreKey(bytes: key)
    }

    func createKey(_ name: ProfileID) async throws -> StoreKey {
        if let key = try? Data(contentsOf: file(name)) { return StoreKey(bytes: key) }
        let key = try StoreKey.random()
        try key.bytes.write(to: file(name))
        return key
    }

    func destroyKey(_ name: ProfileID) async throws {
        try FileManager.default.removeItem(at: file(name))
    }

    private func file(_ name: ProfileID) -> URL {
        folder.appendingPathComponent("\(name).key")
    }
}

/// Opens the folder's client, or makes a new one there.
@MainActor
func open(_ folder: URL) async throws -> Client {
    guard let relay = URL(string: try contents(of: folder, "relay")) else { throw Fault("`relay` is no URL") }
    var options = ClientOptions(root: folder.appendingPathComponent("profiles"), relay: relay)
    options.extraRoots = [try Data(contentsOf: folder.appendingPathComponent("ca.der"))]
    return try await Client.open(options, vault: FileVault(folder: folder)) { _ in
        try contents(of: folder, "token")
    }
}

private func contents(of folder: URL, _ file: String) throws -> String {
    try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
}

/// The conversation of this client, as soon as there is one.
@MainActor
func conversation(_ client: Client) async throws -> Conversation {
    for await list in try client.conversationList().states {
        if let first = list.items.first {
            return try client.conversation(first.id)
        }
    }
    throw Fault("the list has ended")
}

/// A timeline at the live end.
@MainActor
func newest(_ conversation: Conversation, _ pageSize: Int) throws -> Timeline {
    try conversation.timeline(from: .newest, pageSize: pageSize)
}

/// What an item says.
func text(_ item: TimelineItem) -> String? {
    if case .text(let text)? = item.message?.body { text } else { nil }
}
