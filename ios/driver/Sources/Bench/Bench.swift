// What calls cost an app in Swift. `cargo xtask bench ffi` starts it, and its likes in Rust (`tests/bench`) and Kotlin
// (`android/bench`): the same steps under the same names through each platform's public API. `docs/benchmarks.md` says what
// each figure is.
//
// `PHASE FOLDER [COUNT]`: the folder is an app's, with the files `relay`, `ca.der` and `token`.

import Curo
import Foundation
import Glibc

@main
struct Bench {
    // The main actor stands for an app's screen: calls leave it and come back to it.
    @MainActor
    static func main() async throws {
        let begun = ContinuousClock.now
        let arguments = CommandLine.arguments
        guard arguments.count > 2 else { throw Fault("usage: PHASE FOLDER [COUNT]") }
        let folder = URL(fileURLWithPath: arguments[2])
        func count() throws -> Int {
            guard let count = arguments.dropFirst(3).first.flatMap({ Int($0) }) else { throw Fault("COUNT is missing") }
            return count
        }
        switch arguments[1] {
        case "sign-in": try await signIn(folder)
        case "start-up": try await startUp(folder, since: begun)
        case "catch-up": try await catchUp(folder, try count())
        case "calls": try await calls(folder, try count())
        default: throw Fault("no such phase")
        }
    }
}

/// Whatever goes wrong ends the program: a bench that cannot measure has no figures.
struct Fault: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

/// Tells the caller something, as one line.
func say(_ line: String) {
    print(line)
    fflush(nil)
}

/// The times of a figure, in nanoseconds.
func report(_ name: String, _ times: [Duration]) {
    say(#"{"name":"\#(name)","ns":\#(times.map(nanoseconds))}"#)
}

private func nanoseconds(_ time: Duration) -> Int64 {
    let (seconds, attoseconds) = time.components
    return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
}
