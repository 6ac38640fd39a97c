/** Every verb of the protocol, one call of the API each. What a verb gives is made JSON by [json]. */
package health.curo.driver

import health.curo.ConversationId

/** Stands for: no verb of these. */
internal object NoVerb

/** Does what a request asks for. */
internal suspend fun App.perform(
    verb: String,
    args: Args,
): Any? {
    when (verb) {
        "open" -> return open(args)
        "vault" -> return vaultAnswers(args)
        "profiles" -> return profiles(args)
        "next", "load_older", "load_newer", "jump", "jump_to_newest" -> return stream(args).perform(verb, args)
        "unwatch" -> return unwatch(args)
    }
    val client = client()
    if (verb == "watch") return watch(client.stream(scope, args))
    val ofDevice = client.perform(this, verb, args)
    if (ofDevice != NoVerb) return ofDevice
    if ("conversation" !in args) bad("no verb `$verb` without `conversation`")
    val conversation = client.conversation(ConversationId(args.string("conversation")))
    val ofConversation = conversation.perform(this, verb, args)
    if (ofConversation != NoVerb) return ofConversation
    return conversation.ofMessage(verb, args).also { if (it == NoVerb) bad("no verb `$verb`") }
}
