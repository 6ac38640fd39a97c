import Curo

// What concerns a conversation as a whole, and reading it in pages.

/// Nil: no verb of these.
func perform(on care: Conversation, _ app: App, _ verb: String, _ args: JSON) async throws -> JSON? {
    switch verb {
    case "info": return .of(try await care.info())
    case "add": return intent(try await care.add(try args.users("people")))
    case "remove": return intent(try await care.remove(try args.users("people")))
    case "leave": try await care.leave()
    case "rejoin": try await care.rejoin()
    case "renew_keys": return intent(try await care.renewKeys())
    case "set_title": return intent(try await care.setTitle(try args.words("title")))
    case "bind_subject": return intent(try await care.bindSubject(try subject(args)))
    case "unbind_subject": return intent(try await care.unbindSubject(try subject(args)))
    case "set_role": return intent(try await care.setRole(try args.string("role"), of: try args.id("person")))
    case "intent": return .of(try await care.intent(try args.id("intent")))
    case "retry": try await care.retry(try args.id("intent"))
    case "cancel": return ["cancelled": .bool(try await care.cancel(try args.id("intent")))]
    case "set_draft": try await care.setDraft(try args.words("text"))
    case "draft": return .of(try await care.draft()?.text)
    case "mute": try await care.mute()
    case "unmute": try await care.unmute()
    case "unread": return .of(try await care.unread())
    case "request_receipts": return .of(try await care.requestReceipts()?.rawValue)
    case "page": return try await page(app, care, args)
    case "thread":
        return paged(
            app, try await care.thread(of: try args.reference("message"), limit: try args.size("limit")))
    case "search":
        let place = try app.searchCursor(args, "after")
        return found(
            app, try await care.search(try args.string("words"), after: place, limit: try args.size("limit")))
    default: return nil
    }
    return .null
}

func intent(_ intent: IntentID?) -> JSON {
    ["intent": .of(intent?.rawValue)]
}

private func subject(_ args: JSON) throws -> Subject {
    Subject(system: try args.string("system"), value: try args.string("value"))
}

private func page(_ app: App, _ care: Conversation, _ args: JSON) async throws -> JSON {
    let limit = try args.size("limit")
    switch (try app.cursor(args, "before"), try app.cursor(args, "after")) {
    case (let place?, nil): return paged(app, try await care.before(place, limit: limit))
    case (nil, let place?): return paged(app, try await care.after(place, limit: limit))
    case (nil, nil): return paged(app, try await care.latest(limit: limit))
    default: throw Fault("`before` and `after` exclude each other")
    }
}

private func paged(_ app: App, _ page: Page) -> JSON {
    [
        "items": .list(page.items.map { .of($0) }),
        "older": app.keep(page.older.map { .page($0) }),
        "newer": app.keep(page.newer.map { .page($0) }),
    ]
}

func found(_ app: App, _ page: SearchPage) -> JSON {
    let hits = page.hits.map { hit -> JSON in
        [
            "conversation": .text(hit.conversation.rawValue),
            "message": .of(hit.message),
            "snippet": .text(hit.snippet),
        ]
    }
    return ["hits": .list(hits), "next": app.keep(page.next.map { .search($0) })]
}
