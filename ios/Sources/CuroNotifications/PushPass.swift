import Curo

/// What a notification extension does when a push comes: opens the profile that it is for with little memory, fetches, counts
/// what is unread, and closes again.
struct PushPass: Sendable {
    let options: ClientOptions
    let vault: any KeyVault
    let tokens: TokenProvider

    /// The number for the app's icon; nil where the push is for nobody here.
    func run(token: String, deadline: Duration) async throws -> Int? {
        // An app that tests its extension's code in its own process runs with the app's threads already: let it.
        try? configureRuntime(.extension)
        guard let profile = try await Client.profileOfPush(root: options.root, vault: vault, token: token) else {
            return nil
        }
        var options = options
        options.profile = profile
        options.notificationExtension = true
        let client = try await Client.open(options, vault: vault, tokens: tokens)
        do {
            let outcome = try await client.handlePush(token: token, deadline: deadline)
            let unread = outcome == .notMine ? nil : try await client.unread.current().messages
            try await client.close()
            return unread
        } catch {
            // The store is the app's again, whatever has gone wrong.
            try? await client.close()
            throw error
        }
    }
}
