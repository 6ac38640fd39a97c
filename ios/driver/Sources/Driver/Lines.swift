import Foundation
import Glibc
import Synchronization

/// A file to which lines are written, each whole, whoever writes at the same time.
final class Lines: Sendable {
    fileprivate let file: Int32
    fileprivate let turn = Mutex(())

    init(_ file: Int32) {
        self.file = file
    }
}

let stdoutLines = Lines(STDOUT_FILENO)
let stderrLines = Lines(STDERR_FILENO)

/// Writes all of it. What cannot be written has nobody who reads it.
func write(_ bytes: [UInt8], to lines: Lines) {
    lines.turn.withLock { _ in
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while let begin = UnsafeRawBufferPointer(rebasing: rest).baseAddress {
                let written = Glibc.write(lines.file, begin, rest.count)
                if written > 0 {
                    rest = rest.dropFirst(written)
                } else if errno != EINTR {
                    return
                }
            }
        }
    }
}
