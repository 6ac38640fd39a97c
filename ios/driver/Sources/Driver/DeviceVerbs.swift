import Curo

// What concerns the device and its person.

/// Nil: no verb of these.
func perform(on client: Client, _ app: App, _ verb: String, _ args: JSON) async throws -> JSON? {
    switch verb {
    case "sign_in": return .of(try await client.signIn())
    case "account": return try await client.account().map { .of($0) } ?? .null
    case "start": try await client.start()
    case "stop": try await client.stop()
    case "catch_up": try await client.catchUp()
    case "network_changed": try client.networkChanged()
    case "lock": try await client.lock()
    case "unlock": try await client.unlock()
    case "user_activity": try client.noteUserActivity()
    case "suspend": try await client.suspend()
    case "resume": try await client.resume()
    case "rekey": try await client.rekey()
    case "erase": try await client.erase()
    case "close": try await client.close()
    case "run_background": return .of(try await client.runBackground(deadline: try args.time("deadline_ms")))
    case "register_push": try await client.registerPush(target: try args.string("target"))
    case "unregister_push": try await client.unregisterPush()
    case "handle_push": return try await handlePush(client, args)
    case "sign_out": return try await signOut(client, args)
    case "session": return .of(try await client.session.current())
    case "connection": return .of(try await client.connection.current())
    case "outbox": return .of(try await client.outbox.current())
    case "diagnostics": return .text(try await client.diagnostics())
    case "devices": return try await devices(client)
    case "revoke_device": try await client.revokeDevice(try args.id("device"))
    case "approval_code": return .of(try await client.approvalCode())
    case "waiting_devices": return try await waitingDevices(client)
    case "approve_device": try await client.approveDevice(try args.id("device"))
    case "wait_for_approval": return .of(try await client.waitForApproval())
    case "set_profile_label": try await client.setProfileLabel(try args.optional("label", JSON.words))
    case "set_display_name": try await client.setDisplayName(try args.words("name"))
    case "send_read_receipts": try await client.sendReadReceipts(args["send"] == true)
    case "find_people": return try await findPeople(client, args)
    case "create": return try await create(client, args)
    case "direct":
        let care = try await client.directConversation(with: try args.id("person"))
        return ["conversation": .text(care.id.rawValue)]
    case "conversations": return .list(try await client.conversations().map { .of($0) })
    case "search" where args["conversation"].isNull:
        let place = try app.searchCursor(args, "after")
        return found(
            app, try await client.search(try args.string("words"), after: place, limit: try args.size("limit")))
    case "unread" where args["conversation"].isNull: return .of(try await client.unread.current())
    default: return nil
    }
    return .null
}

private func handlePush(_ client: Client, _ args: JSON) async throws -> JSON {
    let outcome = try await client.handlePush(
        token: try args.string("token"), deadline: try args.time("deadline_ms"))
    if case .fetched(let outcome) = outcome {
        return ["mine": true, "outcome": .of(outcome)]
    }
    return ["mine": false]
}

private func signOut(_ client: Client, _ args: JSON) async throws -> JSON {
    let unsent: OnUnsent
    switch try args.string("unsent") {
    case "keep": unsent = .keep
    case "discard": unsent = .discard
    default: throw Fault("`unsent` is keep or discard")
    }
    switch try await client.signOut(deadline: try args.time("deadline_ms"), unsent: unsent) {
    case .signedOut(let lost): return JSON.of(lost).with(["signed_out": true])
    case .unsent(let left): return JSON.of(left).with(["signed_out": false])
    case .other: throw Fault("an outcome that this driver does not know")
    }
}

private func devices(_ client: Client) async throws -> JSON {
    let devices = try await client.devices().map { device -> JSON in
        [
            "device": .text(device.device.rawValue),
            "pending": .bool(device.pending),
            "revoked": .bool(device.revoked),
            "current": .bool(device.current),
        ]
    }
    return .list(devices)
}

private func waitingDevices(_ client: Client) async throws -> JSON {
    let waiting = try await client.waitingDevices()
    return .list(waiting.map { ["device": .text($0.device.rawValue), "code": .text($0.code)] })
}

private func findPeople(_ client: Client, _ args: JSON) async throws -> JSON {
    let people = try await client.findPeople(try args.strings("subjects"))
    return .list(
        people.map { person in
            ["subject": .text(person.subject), "user": .text(person.user.rawValue), "name": .of(person.name)]
        })
}

private func create(_ client: Client, _ args: JSON) async throws -> JSON {
    let options = CreateOptions(title: try args.optional("title", JSON.words) ?? "")
    let created = try await client.createConversation(with: try args.users("people"), options: options)
    return [
        "conversation": .text(created.id.rawValue), "intent": .text(created.intent.rawValue),
    ]
}
