internal import CuroFFI

/// What an app watches.
extension Client {
    /// How the client stands: which screen to show. Goes on while locked; its last state is ``SessionState/closed`` or
    /// ``SessionState/wiped``.
    public var session: Snapshots<SessionState> {
        Snapshots { [raw] in
            let stream = try raw.observeSession()
            return Source(
                pull: { after in
                    let snapshot = try await stream.next(after: after)
                    return Snapshot(revision: snapshot.revision, state: SessionState(snapshot.state))
                },
                end: { try? stream.end() })
        }
    }

    /// How the client stands with its relay. Goes on while locked.
    public var connection: Snapshots<ConnectionState> {
        Snapshots { [raw] in
            let stream = try raw.observeConnection()
            return Source(
                pull: { after in
                    let snapshot = try await stream.next(after: after)
                    return Snapshot(revision: snapshot.revision, state: ConnectionState(snapshot.state))
                },
                end: { try? stream.end() })
        }
    }

    /// What is unread in conversations that are not muted: the badge of an app's icon.
    public var unread: Snapshots<Unread> {
        Snapshots { [raw] in
            let stream = try raw.observeUnread()
            return Source(
                pull: { after in
                    let snapshot = try await stream.next(after: after)
                    return Snapshot(revision: snapshot.revision, state: Unread(snapshot.state))
                },
                end: { try? stream.end() })
        }
    }

    /// What waits to be sent, and what has failed.
    public var outbox: Snapshots<OutboxState> {
        Snapshots { [raw] in
            let stream = try raw.observeOutbox()
            return Source(
                pull: { after in
                    let snapshot = try await stream.next(after: after)
                    return Snapshot(revision: snapshot.revision, state: OutboxState(snapshot.state))
                },
                end: { try? stream.end() })
        }
    }
}
