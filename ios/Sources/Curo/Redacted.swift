/// A value that may hold what people wrote or who they are: no textual form of it shows anything but its type's name.
///
/// That holds for interpolation, `print`, `dump`, `String(reflecting:)`, a debugger's description and a crash report alike,
/// so such a value may be handed to a logger by mistake and nothing leaks. An app can make its own models conform.
public protocol Redacted: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {}

extension Redacted {
    /// The type's name alone.
    public var description: String { "\(Self.self)(redacted)" }

    /// The type's name alone.
    public var debugDescription: String { description }

    /// Without children.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
