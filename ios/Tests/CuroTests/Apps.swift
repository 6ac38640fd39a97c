import Curo
import Foundation
import XCTest

// What the tests share: an app, as Swift sees one, and a relay of its own.

/// Keeps keys in memory.
actor MemoryVault: KeyVault {
    nonisolated let mode = VaultMode.background
    private var keys: [ProfileID: StoreKey] = [:]

    func loadKey(_ profile: ProfileID) throws -> StoreKey {
        guard let key = keys[profile] else { throw VaultFailure.missing }
        return key
    }

    func createKey(_ profile: ProfileID) throws -> StoreKey {
        let key = try keys[profile] ?? StoreKey.random()
        keys[profile] = key
        return key
    }

    func destroyKey(_ profile: ProfileID) {
        keys[profile] = nil
    }
}

/// Throws what no vault should, with a text that must not be seen anywhere.
struct ThrowingVault: KeyVault {
    struct Canary: Error { let text = "CANARY" }
    let mode = VaultMode.background
    func loadKey(_ profile: ProfileID) async throws -> StoreKey { throw Canary() }
    func createKey(_ profile: ProfileID) async throws -> StoreKey { throw Canary() }
    func destroyKey(_ profile: ProfileID) async throws { throw Canary() }
}

func folder() -> URL {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("curo-\(UUID().uuidString)")
    try? FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return url
}

/// A client in a folder, of nobody yet, with a relay that is not there.
func alone(root: URL = folder(), vault: any KeyVault = MemoryVault()) async throws -> Client {
    let options = ClientOptions(root: root, relay: URL(string: "https://127.0.0.1:9")!)
    return try await Client.open(options, vault: vault) { _ in throw CancellationError() }
}

/// The code with which a call fails.
func code(_ call: () async throws -> Void) async -> ErrorCode? {
    do {
        try await call()
        return nil
    } catch {
        return (error as? CuroError)?.code
    }
}

/// A real relay with a development identity provider, in a process of its own that ends with its input.
actor Loopback {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let url: URL
    private let authority: Data

    init() throws {
        let program = try XCTUnwrap(ProcessInfo.processInfo.environment["CURO_LOOPBACK"], "CURO_LOOPBACK is not set")
        process.executableURL = URL(fileURLWithPath: program)
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let words = Self.line(of: output).split(separator: " ")
        url = try XCTUnwrap(URL(string: String(words[1])))
        let digits = Array(words[2].utf8)
        authority = Data(
            stride(from: 0, to: digits.count, by: 2).map {
                UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)!
            })
    }

    private static func line(of pipe: Pipe) -> String {
        var bytes = Data()
        while true {
            let byte = pipe.fileHandleForReading.readData(ofLength: 1)
            if byte.isEmpty || byte.first == UInt8(ascii: "\n") {
                break
            }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    func token(of subject: String) throws -> String {
        try input.fileHandleForWriting.write(contentsOf: Data("\(subject)\n".utf8))
        return Self.line(of: output)
    }

    /// For a client in a folder of its own.
    func options() -> ClientOptions {
        var options = ClientOptions(root: folder(), relay: url)
        options.extraRoots = [authority]
        return options
    }

    /// A person who is signed in and live.
    nonisolated func person(_ subject: String) async throws -> Client {
        let client = try await Client.open(await options(), vault: MemoryVault()) { _ in
            try await self.token(of: subject)
        }
        try await client.signIn()
        try await client.start()
        return client
    }

    /// It ends with its input. A signal would not do: a process that a task has started on Linux may have them all blocked.
    func stop() {
        try? input.fileHandleForWriting.close()
    }
}

extension Snapshots {
    /// The first state that is as wanted.
    func until(_ wanted: @Sendable (Element) -> Bool) async throws -> Element {
        for await state in self where wanted(state) {
            return state
        }
        throw CancellationError()
    }
}
