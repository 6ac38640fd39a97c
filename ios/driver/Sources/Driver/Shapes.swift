import Curo
import Foundation

// How values of the API look in answers. The drivers of all platforms give the same.

func milliseconds(_ duration: Duration) -> Int64 {
    let (seconds, attoseconds) = duration.components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
}

private func milliseconds(_ date: Date) -> Int64 {
    Int64((date.timeIntervalSince1970 * 1000).rounded())
}

extension JSON {
    static func users(_ users: [UserID]) -> JSON {
        .list(users.map { .text($0.rawValue) })
    }

    static func of(_ account: Account) -> JSON {
        ["user": .text(account.user.rawValue), "device": .text(account.device.rawValue)]
    }

    static func of(_ message: MessageRef) -> JSON {
        ["device": .text(message.sender.rawValue), "message": .text(message.message.rawValue)]
    }

    static func of(_ state: OutboxState) -> JSON {
        ["waiting": .of(state.waiting), "failed": .of(state.failed)]
    }

    static func of(_ unread: Unread) -> JSON {
        ["messages": .of(unread.messages), "conversations": .of(unread.conversations)]
    }

    static func of(_ state: SessionState) -> JSON {
        let name =
            switch state {
            case .active: "active"
            case .locked: "locked"
            case .signInNeeded: "sign_in_needed"
            case .waitingForApproval: "waiting_for_approval"
            case .revoked: "revoked"
            case .wiped: "wiped"
            case .updateRequired: "update_required"
            case .closed: "closed"
            case .other: "other"
            }
        return ["state": .text(name)]
    }

    static func of(_ state: ConnectionState) -> JSON {
        let (name, code): (String, ErrorCode?) =
            switch state {
            case .stopped: ("stopped", nil)
            case .catchingUp: ("catching_up", nil)
            case .live: ("live", nil)
            case .waiting(let code): ("waiting", code)
            case .signInNeeded: ("sign_in_needed", nil)
            case .failed(let code): ("failed", code)
            case .other: ("other", nil)
            }
        return ["state": .text(name), "code": .of(code?.rawValue)]
    }

    /// As apps would show it: `delivered 1/2`, `failed (removed)`.
    static func of(_ state: DeliveryState) -> JSON {
        switch state {
        case .queued: "queued"
        case .sent: "sent"
        case .delivered(let by, let of): .text("delivered \(by)/\(of)")
        case .read(let by, let of): .text("read \(by)/\(of)")
        case .failed(let error): .text("failed (\(error.code))")
        case .other: "other"
        }
    }

    static func of(_ status: IntentStatus) -> JSON {
        switch status {
        case .pending: ["state": "pending"]
        case .done: ["state": "done"]
        case .failed(let error): ["state": "failed", "code": .text(error.code.rawValue)]
        case .other: ["state": "other"]
        }
    }

    static func of(_ info: ConversationInfo) -> JSON {
        let roster = info.roster.map { member -> JSON in
            [
                "user": .text(member.user.rawValue),
                "role": .text(member.role),
                "name": .of(member.name),
                "mandatory": .bool(member.mandatory),
            ]
        }
        let subjects = info.subjects.map { ["system": .text($0.system), "value": .text($0.value)] as JSON }
        return [
            "conversation": .text(info.id.rawValue),
            "title": .of(info.title),
            "subjects": .list(subjects),
            "roster": .list(roster),
            "members": .users(info.members),
            "frozen": .of(info.frozen?.rawValue),
            "left": .bool(info.left),
            "purged": .bool(info.purged),
            "behind": .bool(info.behind),
        ]
    }

    static func of(_ item: Item) -> JSON {
        of(item.entry).with(["accepted_ms": .of(item.acceptedAt.map(milliseconds))])
    }

    static func of(_ item: TimelineItem) -> JSON {
        of(item.item).with([
            "key": .text(item.key.rawValue),
            "revision": .number(item.revision),
        ])
    }

    private static func of(_ entry: Entry) -> JSON {
        switch entry {
        case .message(let message): of(message)
        case .members(let by, let added, let removed, let left):
            [
                "kind": "members",
                "by": .of(by?.rawValue),
                "added": .users(added),
                "removed": .users(removed),
                "left": .users(left),
            ]
        case .about(let change): ["kind": "about", "by": .of(change.by?.rawValue), "title": .of(change.title)]
        case .joined: ["kind": "joined"]
        case .gap: ["kind": "gap"]
        case .incarnation(let number): ["kind": "incarnation", "number": .number(number)]
        case .unreadable(_, let code): ["kind": "unreadable", "code": .text(code.rawValue)]
        case .contentLost: ["kind": "content_lost"]
        case .other: ["kind": "other"]
        }
    }

    private static func of(_ message: Message) -> JSON {
        let (body, text): (String, String?) =
            switch message.body {
            case .text(let text): ("text", text)
            case .amendment(_, let text): ("amendment", text)
            case .deleted: ("deleted", nil)
            case .unsupported: ("unsupported", nil)
            }
        let priority =
            switch message.priority {
            case .routine: "routine"
            case .urgent: "urgent"
            case .stat: "stat"
            }
        let reactions = message.reactions.map { reaction -> JSON in
            ["emoji": .text(reaction.emoji), "users": .users(reaction.users), "own": .bool(reaction.own)]
        }
        return [
            "kind": "message",
            "message": .text(message.reference.message.rawValue),
            "device": .text(message.senderDevice.rawValue),
            "sender": .text(message.sender.rawValue),
            "own": .bool(message.own),
            "body": .text(body),
            "text": .of(text),
            "delivery": message.delivery.map { .of($0) } ?? nil,
            "edited": .bool(message.edited),
            "priority": .text(priority),
            "mentions": .users(message.mentions),
            "reply_to": message.replyTo.map { .of($0.message) } ?? nil,
            "thread": message.thread.map { .of($0) } ?? nil,
            "thread_count": .of(message.threadCount),
            "reactions": .list(reactions),
            "acknowledged_by": .users(message.acknowledgedBy),
            "claimed_ms": .of(message.claimedAt.map(milliseconds)),
        ]
    }

    static func of(_ outcome: BackgroundOutcome) -> JSON {
        [
            "complete": .bool(outcome.complete),
            "code": .of(outcome.code?.rawValue),
            "new_messages": .of(outcome.newMessages),
            "conversations": .list(outcome.conversations.map { .text($0.rawValue) }),
            "waiting": .of(outcome.waiting),
        ]
    }

    static func of(_ entry: ProfileEntry) -> JSON {
        let (owner, user, label): (String, UserID?, String?) =
            switch entry.owner {
            case .account(let account, let label): ("account", account.user, label)
            case .nobody: ("nobody", nil, nil)
            case .hidden: ("hidden", nil, nil)
            case .lost: ("lost", nil, nil)
            case .other: ("other", nil, nil)
            }
        return [
            "profile": .text(entry.profile.rawValue), "owner": .text(owner), "user": .of(user?.rawValue),
            "label": .of(label),
        ]
    }

    static func of(_ edge: Edge) -> JSON {
        switch edge {
        case .end: "end"
        case .more: "more"
        case .loading: "loading"
        case .failed: "failed"
        }
    }
}
