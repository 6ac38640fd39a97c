// The Swift driver of the QA runner: an app without a screen. It reads requests as JSON lines from standard input, does each
// through the public API of `Curo`, and answers on standard output. `docs/qa.md` describes the protocol, which the drivers
// of all platforms share.
//
// Knows nothing of scenarios, of other devices and of the relay's inside. For tests: its vault is a file.

import Curo
import Foundation
import Glibc

@main
struct Driver {
    /// The version of the protocol.
    static let version: JSON = 1

    static func main() {
        logToStandardError()
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        say(["hello": ["protocol": version, "platform": "swift", "now_ms": .number(now)]])
        let app = App()
        while let line = readLine() {
            // Each request is a task: one may wait while others go on.
            Task.detached { say(await obey(app, line)) }
        }
        // Whoever has started this is gone: so is the app, as if it had been killed.
        _exit(0)
    }
}

/// Does what a line asks for, and gives the answer.
private func obey(_ app: App, _ line: String) async -> JSON {
    let request: JSON
    do {
        request = try JSON(parsing: line)
    } catch {
        return ["id": nil, "fault": "no JSON"]
    }
    let (id, verb, args) = (request["id"], request["do"].text ?? "", request["args"])
    if request["drop"] == true {
        enterAndCancel { _ = try? await perform(app, verb, args) }
        return ["id": id, "dropped": true]
    }
    do {
        return ["id": id, "ok": try await perform(app, verb, args)]
    } catch let error as CuroError {
        let error: JSON = [
            "code": .text(error.code.rawValue),
            "retryable": .bool(error.retryable),
            "retry_after_ms": .of(error.retryAfter.map(milliseconds)),
        ]
        return ["id": id, "error": error]
    } catch let fault as Fault {
        return ["id": id, "fault": .text(fault.reason)]
    } catch {
        return ["id": id, "fault": .text("\(error)")]
    }
}

/// Writes a line to standard output, whole.
private func say(_ value: JSON) {
    write(value.line, to: stdoutLines)
}
