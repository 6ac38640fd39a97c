import Curo
import Foundation

/// Everything that the core logs, from now on, as JSON lines on standard error, where the runner collects it.
func logToStandardError() {
    // Without it there is no log, and everything else works.
    try? setLogSink(level: .debug) { batch in
        for record in batch.records {
            let fields = record.fields.map { ($0.name, JSON.text($0.value.description)) }
            let line: JSON = [
                "time_ms": .number(Int64(record.time.timeIntervalSince1970 * 1000)),
                "level": .text("\(record.level)"),
                "code": .text(record.code),
                "fields": .object(Dictionary(fields, uniquingKeysWith: { $1 })),
            ]
            write(line.line, to: stderrLines)
        }
        if batch.dropped > 0 {
            write((["dropped": .of(batch.dropped)] as JSON).line, to: stderrLines)
        }
    }
}
