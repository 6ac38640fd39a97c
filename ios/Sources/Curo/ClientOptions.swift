import Foundation
internal import CuroFFI

/// How a client is opened. What a tenant's policy is stricter about, it stays stricter about.
public struct ClientOptions: Hashable, Sendable, Redacted {
    /// The folder of this installation's profiles.
    public var root: URL
    /// The relay: an https address without path.
    public var relay: URL
    /// Opens this profile. Without it the folder's only profile is opened, or the first one is made.
    public var profile: ProfileID?
    /// For a notification extension: small caches, two database connections, short time-outs. Give the profile too.
    public var notificationExtension = false
    /// Certification authorities (DER) that are trusted beside the bundled web roots.
    public var extraRoots: [Data] = []
    /// Accepts only relays whose certificate has one of these public keys: at least two different ones. Empty: no pinning.
    public var pins: [SPKIPin] = []
    /// Reaches the relay through this proxy.
    public var proxy: Proxy?
    /// How long a connection may take until TLS stands.
    public var connectTimeout: Duration?
    /// How long one request may take.
    public var requestTimeout: Duration?
    /// The shortest wait between attempts to reach the relay. With ``retryMax``, and not above it, or neither: else opening throws
    /// `invalid_argument`.
    public var retryMin: Duration?
    /// The longest wait between attempts to reach the relay; goes with ``retryMin``.
    public var retryMax: Duration?
    /// After how long without a touch the client locks: at most 15 minutes.
    public var idleLock: Duration?
    /// How long a sign-in holds: at most 12 hours.
    public var sessionLimit: Duration?

    /// Profiles in this folder, and this relay.
    public init(root: URL, relay: URL) {
        self.root = root
        self.relay = relay
    }

    var raw: CuroFFI.ClientOptions {
        CuroFFI.ClientOptions(
            root: root.path,
            relay: relay.absoluteString,
            profile: profile?.rawValue,
            notificationExtension: notificationExtension,
            extraRoots: extraRoots,
            pins: pins.map(\.rawValue),
            proxy: proxy.map {
                CuroFFI.Proxy(url: $0.url.absoluteString, user: $0.user, password: $0.password)
            },
            connectTimeoutMs: connectTimeout?.inMilliseconds,
            requestTimeoutMs: requestTimeout?.inMilliseconds,
            retryMinMs: retryMin?.inMilliseconds,
            retryMaxMs: retryMax?.inMilliseconds,
            idleLockMs: idleLock?.inMilliseconds,
            sessionLimitMs: sessionLimit?.inMilliseconds)
    }
}

/// A proxy on the way to the relay.
public struct Proxy: Hashable, Sendable, Redacted {
    /// http, host and port, nothing else.
    public var url: URL
    /// Name for the proxy (Basic, RFC 7617); goes with a password.
    public var user: String?
    /// Password for the proxy; goes with a name.
    public var password: String?

    /// A proxy at this address.
    public init(url: URL, user: String? = nil, password: String? = nil) {
        self.url = url
        self.user = user
        self.password = password
    }
}
