//! Every verb of the protocol, one call of the API each.

mod conversation;
mod device;
mod message;
mod watch;

use serde_json::Value;

use crate::app::App;
use crate::args::{Outcome, bad, parsed};

/// Does what a request asks for.
pub(crate) async fn perform(app: &App, verb: &str, args: &Value) -> Outcome {
    match verb {
        "open" => return app.open(args).await,
        "vault" => return app.vault_answers(args),
        "profiles" => return App::profiles(args).await,
        "next" | "load_older" | "load_newer" | "jump" | "jump_to_newest" => {
            return watch::perform(app, verb, args).await;
        }
        "unwatch" => return app.unwatch(args),
        _ => {}
    }
    let client = app.client()?;
    if verb == "watch" {
        return watch::begin(app, &client, args);
    }
    if let Some(done) = device::perform(app, &client, verb, args).await {
        return done;
    }
    if args["conversation"].is_null() {
        return Err(bad(format!("no verb `{verb}` without `conversation`")));
    }
    let conversation = client.conversation(parsed(args, "conversation")?);
    if let Some(done) = conversation::perform(app, &conversation, verb, args).await {
        return done;
    }
    message::perform(&conversation, verb, args)
        .await
        .unwrap_or_else(|| Err(bad(format!("no verb `{verb}`"))))
}
