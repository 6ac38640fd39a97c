//! What concerns the device and its person.

use curo::{Client, CreateOptions, OnUnsent, PushOutcome, SignOutOutcome, Text};
use serde_json::{Value, json};

use crate::app::App;
use crate::args::{Outcome, bad, list, millis, optional, parsed, string, text};
use crate::shapes;

/// `None`: no verb of these.
pub(crate) async fn perform(app: &App, client: &Client, verb: &str, args: &Value) -> Option<Outcome> {
    Some(match verb {
        "sign_in" => client
            .sign_in()
            .await
            .map(|account| shape(&account))
            .map_err(Into::into),
        "account" => Ok(client.account().await.as_ref().map_or(Value::Null, shape)),
        "start" => done(client.start().await),
        "stop" => {
            client.stop().await;
            Ok(Value::Null)
        }
        "catch_up" => done(client.catch_up().await),
        "network_changed" => {
            client.network_changed();
            Ok(Value::Null)
        }
        "lock" => done(client.lock().await),
        "unlock" => done(client.unlock().await),
        "user_activity" => {
            client.note_user_activity();
            Ok(Value::Null)
        }
        "suspend" => done(client.suspend().await),
        "resume" => done(client.resume().await),
        "rekey" => done(client.rekey().await),
        "erase" => done(client.erase().await),
        "close" => done(client.close().await),
        "run_background" => run_background(client, args).await,
        "register_push" => register_push(client, args).await,
        "unregister_push" => done(client.unregister_push().await),
        "handle_push" => handle_push(client, args).await,
        "sign_out" => sign_out(client, args).await,
        "session" => Ok(shapes::session(&client.session())),
        "connection" => Ok(shapes::connection(&client.connection())),
        "outbox" => client.outbox().await.map(shapes::outbox).map_err(Into::into),
        "diagnostics" => Ok(json!(client.diagnostics().await)),
        "devices" => devices(client).await,
        "revoke_device" => revoke_device(client, args).await,
        "approval_code" => client.approval_code().await.map(|code| json!(code)).map_err(Into::into),
        "waiting_devices" => waiting_devices(client).await,
        "approve_device" => approve_device(client, args).await,
        "wait_for_approval" => {
            let account = client.wait_for_approval().await;
            account.map(|account| shape(&account)).map_err(Into::into)
        }
        "set_profile_label" => set_profile_label(client, args).await,
        "set_display_name" => set_display_name(client, args).await,
        "send_read_receipts" => done(client.send_read_receipts(args["send"] == true).await),
        "find_people" => find_people(client, args).await,
        "create" => create(client, args).await,
        "direct" => direct(client, args).await,
        "conversations" => conversations(client).await,
        "search" if args["conversation"].is_null() => super::conversation::search_all(app, client, args).await,
        "unread" if args["conversation"].is_null() => unread(client).await,
        _ => return None,
    })
}

pub(crate) fn done(outcome: curo::Result<()>) -> Outcome {
    Ok(outcome.map(|()| Value::Null)?)
}

fn shape(account: &curo::Account) -> Value {
    json!({ "user": account.user.to_string(), "device": account.device.to_string() })
}

async fn run_background(client: &Client, args: &Value) -> Outcome {
    let outcome = client.run_background(millis(args, "deadline_ms")?).await?;
    Ok(shapes::background(&outcome))
}

async fn register_push(client: &Client, args: &Value) -> Outcome {
    done(client.register_push(string(args, "target")?).await)
}

async fn handle_push(client: &Client, args: &Value) -> Outcome {
    let outcome = client
        .handle_push(string(args, "token")?, millis(args, "deadline_ms")?)
        .await?;
    Ok(match outcome {
        PushOutcome::Fetched(outcome) => json!({ "mine": true, "outcome": shapes::background(&outcome) }),
        _ => json!({ "mine": false }),
    })
}

async fn sign_out(client: &Client, args: &Value) -> Outcome {
    let unsent = match string(args, "unsent")? {
        "keep" => OnUnsent::Keep,
        "discard" => OnUnsent::Discard,
        _ => return Err(bad("`unsent` is keep or discard")),
    };
    let (out, left) = match client.sign_out(millis(args, "deadline_ms")?, unsent).await? {
        SignOutOutcome::SignedOut { lost } => (true, lost),
        SignOutOutcome::Unsent(left) => (false, left),
        _ => return Err(bad("an outcome that this driver does not know")),
    };
    Ok(json!({ "signed_out": out, "waiting": left.waiting, "failed": left.failed }))
}

async fn devices(client: &Client) -> Outcome {
    let devices = client.devices().await?;
    let shape = |device: &curo::OwnDevice| {
        json!({
            "device": device.device.to_string(),
            "pending": device.pending,
            "revoked": device.revoked,
            "current": device.current,
        })
    };
    Ok(devices.iter().map(shape).collect())
}

async fn revoke_device(client: &Client, args: &Value) -> Outcome {
    done(client.revoke_device(parsed(args, "device")?).await)
}

async fn waiting_devices(client: &Client) -> Outcome {
    let waiting = client.waiting_devices().await?;
    let shape = |device: &curo::WaitingDevice| json!({ "device": device.device.to_string(), "code": device.code });
    Ok(waiting.iter().map(shape).collect())
}

async fn approve_device(client: &Client, args: &Value) -> Outcome {
    done(client.approve_device(parsed(args, "device")?).await)
}

async fn set_profile_label(client: &Client, args: &Value) -> Outcome {
    done(client.set_profile_label(optional(args, "label", text)?).await)
}

async fn set_display_name(client: &Client, args: &Value) -> Outcome {
    done(client.set_display_name(text(args, "name")?).await)
}

async fn find_people(client: &Client, args: &Value) -> Outcome {
    let subjects: Vec<String> = list(args, "subjects")?;
    let subjects: Vec<_> = subjects.iter().map(String::as_str).collect();
    let people = client.find_people(&subjects).await?;
    let shape = |person: &curo::Person| {
        json!({
            "subject": person.subject,
            "user": person.user.to_string(),
            "name": person.name.as_ref().map(Text::as_str),
        })
    };
    Ok(people.iter().map(shape).collect())
}

async fn create(client: &Client, args: &Value) -> Outcome {
    let people = list(args, "people")?;
    let options = CreateOptions {
        title: optional(args, "title", text)?.unwrap_or_default(),
        subjects: Vec::new(),
    };
    let (conversation, intent) = client.create_conversation_with(&people, options).await?;
    Ok(json!({ "conversation": conversation.id().to_string(), "intent": intent.to_string() }))
}

async fn direct(client: &Client, args: &Value) -> Outcome {
    let conversation = client.direct_conversation(parsed(args, "person")?).await?;
    Ok(json!({ "conversation": conversation.id().to_string() }))
}

async fn conversations(client: &Client) -> Outcome {
    Ok(client.conversations().await?.iter().map(shapes::info).collect())
}

async fn unread(client: &Client) -> Outcome {
    let unread = client.unread().await?;
    Ok(json!({ "messages": unread.messages, "conversations": unread.conversations }))
}
