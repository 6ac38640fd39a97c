import Curo

// What concerns one message.

/// Nil: no verb of these.
func perform(onMessagesOf care: Conversation, _ verb: String, _ args: JSON) async throws -> JSON? {
    switch verb {
    case "send":
        let id = try await care.send(try newMessage(args), id: try args.id("message"))
        return ["message": .text(id.rawValue)]
    case "amend":
        let id = try await care.amend(
            try args.reference("of"), text: try args.words("text"), id: try args.id("message"))
        return ["message": .text(id.rawValue)]
    case "edit":
        return intent(try await care.edit(try args.reference("message"), text: try args.words("text")))
    case "delete": return intent(try await care.delete(try args.reference("message")))
    case "react":
        return intent(
            try await care.react(to: try args.reference("message"), with: try args.string("emoji")))
    case "unreact":
        return intent(
            try await care.unreact(to: try args.reference("message"), with: try args.string("emoji")))
    case "acknowledge": return intent(try await care.acknowledge(try args.reference("message")))
    case "mark_read":
        try await care.markRead(upTo: try args.reference("message"))
        return .null
    case "message": return try await care.message(try args.reference("message")).map { .of($0) } ?? .null
    case "delivery": return .of(try await care.delivery(of: try args.id("message")))
    case "receipts":
        let receipts = try await care.receipts(of: try args.reference("message"))
        return .list(
            receipts.map { one in
                ["user": .text(one.user.rawValue), "delivered": .bool(one.delivered), "read": .bool(one.read)]
            })
    case "purge":
        let purge = try await care.purge(of: try args.reference("message"))
        return ["by": .of(purge.by), "of": .of(purge.of)]
    default: return nil
    }
}

private func newMessage(_ args: JSON) throws -> NewMessage {
    var message = NewMessage(try args.words("text"))
    message.mentions = try args.optional("mentions", JSON.users) ?? []
    switch args["priority"].text {
    case nil, "routine": message.priority = .routine
    case "urgent": message.priority = .urgent
    case "stat": message.priority = .stat
    default: throw Fault("`priority` is routine, urgent or stat")
    }
    message.replyTo = try args.optional("reply_to", JSON.reference)
    message.thread = try args.optional("thread", JSON.reference)
    return message
}
