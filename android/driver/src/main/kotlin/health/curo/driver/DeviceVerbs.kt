/** What concerns the device and its person. */
package health.curo.driver

import health.curo.Client
import health.curo.CreateOptions
import health.curo.DeviceId
import health.curo.OnUnsent
import health.curo.PushOutcome
import health.curo.SignOutOutcome
import health.curo.UserId

internal suspend fun Client.perform(
    app: App,
    verb: String,
    args: Args,
): Any? =
    when (verb) {
        "sign_in" -> signIn().shape()
        "account" -> account()?.shape()
        "wait_for_approval" -> waitForApproval().shape()
        "start" -> start()
        "stop" -> stop()
        "catch_up" -> catchUp()
        "network_changed" -> networkChanged()
        "lock" -> lock()
        "unlock" -> unlock()
        "user_activity" -> noteUserActivity()
        "suspend" -> suspend()
        "resume" -> resume()
        "rekey" -> rekey()
        "erase" -> erase()
        "close" -> close()
        "run_background" -> runBackground(args.millis("deadline_ms")).shape()
        "register_push" -> registerPush(args.string("target"))
        "unregister_push" -> unregisterPush()
        "handle_push" -> push(args)
        "sign_out" -> signOut(args)
        "session" -> session.value.shape()
        "connection" -> connection.value.shape()
        "outbox" -> unsent().shape()
        "diagnostics" -> diagnostics()
        "approval_code" -> approvalCode()
        "devices", "revoke_device", "waiting_devices", "approve_device" -> ofDevices(verb, args)
        "set_profile_label" -> setProfileLabel(args.textOrNull("label"))
        "set_display_name" -> setDisplayName(args.text("name"))
        "send_read_receipts" -> sendReadReceipts(args.isTrue("send"))
        "find_people" ->
            findPeople(args.strings("subjects")).map {
                json("subject" to it.subject, "user" to it.user.value, "name" to it.name)
            }
        "create" -> create(args)
        "direct" -> json("conversation" to directConversation(UserId(args.string("person"))).id.value)
        "conversations" -> conversations().map { it.shape() }
        "search" -> if ("conversation" in args) NoVerb else search(args, app, ::search)
        "unread" -> if ("conversation" in args) NoVerb else unread.value.shape()
        else -> NoVerb
    }

private suspend fun Client.push(args: Args): Any {
    val outcome = handlePush(args.string("token"), args.millis("deadline_ms"))
    if (outcome !is PushOutcome.Fetched) return json("mine" to false)
    return json("mine" to true, "outcome" to outcome.outcome.shape())
}

private suspend fun Client.signOut(args: Args): Any {
    val unsent =
        when (args.string("unsent")) {
            "keep" -> OnUnsent.KEEP
            "discard" -> OnUnsent.DISCARD
            else -> bad("`unsent` is keep or discard")
        }
    val (out, left) =
        when (val outcome = signOut(args.millis("deadline_ms"), unsent)) {
            is SignOutOutcome.SignedOut -> true to outcome.lost
            is SignOutOutcome.Unsent -> false to outcome.left
            SignOutOutcome.Other -> bad("an outcome that this driver does not know")
        }
    return json("signed_out" to out, "waiting" to left.waiting, "failed" to left.failed)
}

private suspend fun Client.ofDevices(
    verb: String,
    args: Args,
): Any? =
    when (verb) {
        "revoke_device" -> revokeDevice(DeviceId(args.string("device")))
        "approve_device" -> approveDevice(DeviceId(args.string("device")))
        "waiting_devices" -> waitingDevices().map { json("device" to it.device.value, "code" to it.code) }
        else ->
            devices().map {
                json(
                    "device" to it.device.value,
                    "pending" to it.pending,
                    "revoked" to it.revoked,
                    "current" to it.current,
                )
            }
    }

private suspend fun Client.create(args: Args): Any {
    val made = createConversation(args.users("people"), CreateOptions(title = args.textOrNull("title").orEmpty()))
    return json("conversation" to made.id.value, "intent" to made.intent.value)
}
