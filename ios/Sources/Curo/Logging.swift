import Foundation
internal import CuroFFI

/// How much a log record matters, from the most to the least.
public enum LogLevel: Hashable, Sendable {
    /// Something is broken.
    case error
    /// Something is wrong with one conversation or message; the rest goes on.
    case warn
    /// A change of state.
    case info
    /// What helps to find a fault.
    case debug

    init(_ raw: CuroFFI.LogLevel) {
        self =
            switch raw {
            case .error: .error
            case .warn: .warn
            case .info: .info
            case .debug: .debug
            }
    }

    var raw: CuroFFI.LogLevel {
        switch self {
        case .error: .error
        case .warn: .warn
        case .info: .info
        case .debug: .debug
        }
    }
}

/// A value of a log record. Never anything that tells of people or of what they wrote.
public enum LogValue: Hashable, Sendable, CustomStringConvertible {
    /// Yes or no.
    case bool(Bool)
    /// A number.
    case number(Int64)
    /// A random id, an error code or a name that stands in the library's own code.
    case name(String)

    init(_ raw: CuroFFI.LogValue) {
        self =
            switch raw {
            case .bool(let value): .bool(value)
            case .number(let value): .number(value)
            case .name(let value): .name(value)
            }
    }

    /// The value as text.
    public var description: String {
        switch self {
        case .bool(let value): "\(value)"
        case .number(let value): "\(value)"
        case .name(let value): value
        }
    }
}

/// One named value of a log record.
public struct LogField: Hashable, Sendable {
    /// Its name.
    public let name: String
    /// Its value.
    public let value: LogValue

    /// For an app's own fakes.
    public init(name: String, value: LogValue) {
        self.name = name
        self.value = value
    }
}

/// One event: a code and values that tell nothing about people.
public struct LogRecord: Hashable, Sendable, CustomStringConvertible {
    /// When, by the device's clock.
    public let time: Date
    /// How much it matters.
    public let level: LogLevel
    /// The part of the program.
    public let target: String
    /// What has happened, like a code: `news_refused`.
    public let code: String
    /// Names and values.
    public let fields: [LogField]
    /// All of it as one line.
    public let line: String

    /// All of it as one line. Safe to log.
    public var description: String { line }

    /// For an app's own fakes.
    public init(time: Date, level: LogLevel, target: String, code: String, fields: [LogField] = [], line: String) {
        self.time = time
        self.level = level
        self.target = target
        self.code = code
        self.fields = fields
        self.line = line
    }

    init(_ raw: CuroFFI.LogRecord) {
        time = Date(milliseconds: raw.timeMs)
        level = LogLevel(raw.level)
        target = raw.target
        code = raw.code
        fields = raw.fields.map { LogField(name: $0.name, value: LogValue($0.value)) }
        line = raw.line
    }
}

/// Log records in the order of their making.
public struct LogBatch: Hashable, Sendable {
    /// 1 to 256 records.
    public let records: [LogRecord]
    /// Records that were dropped before these since the last batch, because the sink was too slow.
    public let dropped: Int

    /// For an app's own fakes.
    public init(records: [LogRecord] = [], dropped: Int = 0) {
        self.records = records
        self.dropped = dropped
    }
}

/// Where an app wants the library's log. It takes a batch on a thread of the library's own, one batch at a time; it may block,
/// and may call the library.
public typealias LogSink = @Sendable (LogBatch) -> Void

/// Gives the log of all clients of this process to a sink, up to a level, from now on. A sink that was there before is let go
/// of. Fails with `busy` where the operating system gives no thread.
public func setLogSink(level: LogLevel = .info, _ sink: @escaping LogSink) throws(CuroError) {
    try crossing { try CuroFFI.setLogSink(sink: AppLog(sink), level: level.raw) }
}

/// Logs to no sink from now on, and lets go of the one that was there.
public func clearLogSink() throws(CuroError) {
    try crossing { try CuroFFI.clearLogSink() }
}

/// The app's sink, as the library calls it.
final class AppLog: CuroFFI.LogSink, Sendable {
    private let sink: LogSink

    init(_ sink: @escaping LogSink) {
        self.sink = sink
    }

    func log(batch: CuroFFI.LogBatch) throws {
        sink(LogBatch(records: batch.records.map(LogRecord.init), dropped: Int(batch.dropped)))
    }
}
