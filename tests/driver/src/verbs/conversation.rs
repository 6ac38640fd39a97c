//! What concerns a conversation as a whole, and reading it in pages.

use curo::{Client, Conversation, IntentId, Page, Role, SearchPage, Subject};
use serde_json::{Value, json};

use super::device::done;
use crate::app::{App, Place};
use crate::args::{Outcome, bad, list, optional, parsed, reference, size, string, text};
use crate::shapes;

/// `None`: no verb of these.
pub(crate) async fn perform(app: &App, care: &Conversation, verb: &str, args: &Value) -> Option<Outcome> {
    Some(match verb {
        "info" => care.info().await.map(|info| shapes::info(&info)).map_err(Into::into),
        "add" | "remove" => members(care, verb, args).await,
        "leave" => done(care.leave().await),
        "rejoin" => done(care.rejoin().await),
        "renew_keys" => intent(care.renew_keys().await),
        "set_title" => set_title(care, args).await,
        "bind_subject" | "unbind_subject" => bind(care, verb, args).await,
        "set_role" => set_role(care, args).await,
        "intent" => status(care, args).await,
        "retry" => retry(care, args).await,
        "cancel" => cancel(care, args).await,
        "set_draft" => set_draft(care, args).await,
        "draft" => draft(care).await,
        "mute" => done(care.mute().await),
        "unmute" => done(care.unmute().await),
        "unread" => care.unread().await.map(|count| json!(count)).map_err(Into::into),
        "request_receipts" => {
            let asked = care.request_receipts().await;
            asked
                .map(|intent| json!(intent.map(|intent| intent.to_string())))
                .map_err(Into::into)
        }
        "page" => page(app, care, args).await,
        "thread" => thread(app, care, args).await,
        "search" => search(app, care, args).await,
        _ => return None,
    })
}

fn intent(outcome: curo::Result<IntentId>) -> Outcome {
    Ok(json!({ "intent": outcome?.to_string() }))
}

async fn members(care: &Conversation, verb: &str, args: &Value) -> Outcome {
    let people = list(args, "people")?;
    intent(match verb {
        "add" => care.add(&people).await,
        _ => care.remove(&people).await,
    })
}

async fn set_title(care: &Conversation, args: &Value) -> Outcome {
    intent(care.set_title(text(args, "title")?).await)
}

async fn bind(care: &Conversation, verb: &str, args: &Value) -> Outcome {
    let subject = Subject {
        system: string(args, "system")?.to_owned(),
        value: string(args, "value")?.to_owned(),
    };
    intent(match verb {
        "bind_subject" => care.bind_subject(subject).await,
        _ => care.unbind_subject(subject).await,
    })
}

async fn set_role(care: &Conversation, args: &Value) -> Outcome {
    let role = Role::new(string(args, "role")?).ok_or_else(|| bad("`role` is no role"))?;
    intent(care.set_role(parsed(args, "person")?, role).await)
}

async fn status(care: &Conversation, args: &Value) -> Outcome {
    Ok(shapes::intent(&care.intent(parsed(args, "intent")?).await?))
}

async fn retry(care: &Conversation, args: &Value) -> Outcome {
    done(care.retry(parsed(args, "intent")?).await)
}

async fn cancel(care: &Conversation, args: &Value) -> Outcome {
    Ok(json!({ "cancelled": care.cancel(parsed(args, "intent")?).await? }))
}

async fn set_draft(care: &Conversation, args: &Value) -> Outcome {
    done(care.set_draft(text(args, "text")?).await)
}

async fn draft(care: &Conversation) -> Outcome {
    Ok(json!(care.draft().await?.map(|draft| draft.text.as_str().to_owned())))
}

async fn page(app: &App, care: &Conversation, args: &Value) -> Outcome {
    let limit = size(args, "limit")?;
    let cursor = |name: &str| match optional(args, name, |args, name| app.place(args, name))? {
        Some(Place::Page(cursor)) => Ok(Some(cursor)),
        Some(Place::Search(_)) => Err(bad(format!("`{name}` is a place in a search"))),
        None => Ok(None),
    };
    let page = match (cursor("before")?, cursor("after")?) {
        (Some(before), None) => care.before(before, limit).await?,
        (None, Some(after)) => care.after(after, limit).await?,
        (None, None) => care.latest(limit).await?,
        _ => return Err(bad("`before` and `after` exclude each other")),
    };
    Ok(paged(app, &page))
}

fn paged(app: &App, page: &Page) -> Value {
    json!({
        "items": page.items.iter().map(shapes::item).collect::<Vec<_>>(),
        "older": app.keep(page.older.map(Place::Page)),
        "newer": app.keep(page.newer.map(Place::Page)),
    })
}

async fn thread(app: &App, care: &Conversation, args: &Value) -> Outcome {
    let page = care.thread(reference(args, "message")?, size(args, "limit")?).await?;
    Ok(paged(app, &page))
}

async fn search(app: &App, care: &Conversation, args: &Value) -> Outcome {
    let page = care
        .search(string(args, "words")?, after(app, args)?, size(args, "limit")?)
        .await?;
    Ok(found(app, &page))
}

pub(crate) async fn search_all(app: &App, client: &Client, args: &Value) -> Outcome {
    let page = client
        .search(string(args, "words")?, after(app, args)?, size(args, "limit")?)
        .await?;
    Ok(found(app, &page))
}

fn after(app: &App, args: &Value) -> Outcome<Option<curo::SearchCursor>> {
    match optional(args, "after", |args, name| app.place(args, name))? {
        Some(Place::Search(cursor)) => Ok(Some(cursor)),
        Some(Place::Page(_)) => Err(bad("`after` is a place in pages")),
        None => Ok(None),
    }
}

fn found(app: &App, page: &SearchPage) -> Value {
    let hits: Vec<_> = page
        .hits
        .iter()
        .map(|hit| {
            json!({
                "conversation": hit.conversation.to_string(),
                "message": shapes::reference(hit.message),
                "snippet": hit.snippet.as_str(),
            })
        })
        .collect();
    json!({ "hits": hits, "next": app.keep(page.next.map(Place::Search)) })
}
