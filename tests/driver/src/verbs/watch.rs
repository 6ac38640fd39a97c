//! What an app watches: streams that are pulled.

use curo::{Client, Edge, ItemKey, Snapshot, TimelineOptions};
use serde_json::{Value, json};

use super::device::done;
use crate::app::{App, Stream};
use crate::args::{Outcome, bad, millis, number, optional, parsed, reference, size, string};
use crate::shapes;

/// `watch`: begins to watch something.
pub(crate) fn begin(app: &App, client: &Client, args: &Value) -> Outcome {
    let page = |default| optional(args, "page", size).map(|page| page.unwrap_or(default));
    let stream = match string(args, "what")? {
        "session" => Stream::Session(client.observe_session()),
        "connection" => Stream::Connection(client.observe_connection()),
        "outbox" => Stream::Outbox(client.observe_outbox()),
        "unread" => Stream::Unread(client.observe_unread()),
        "conversation" => Stream::Conversation(client.conversation(parsed(args, "conversation")?).observe()),
        "list" => Stream::List(client.conversation_list(page(50)?)?),
        "timeline" => {
            let options = TimelineOptions {
                page: page(50)?,
                ..TimelineOptions::default()
            };
            Stream::Timeline(client.conversation(parsed(args, "conversation")?).timeline(options)?)
        }
        _ => return Err(bad("`what` cannot be watched")),
    };
    Ok(app.watch(stream))
}

/// The verbs of a stream.
pub(crate) async fn perform(app: &App, verb: &str, args: &Value) -> Outcome {
    let stream = app.stream(args)?;
    match (verb, &stream) {
        ("next", _) => {
            let (after, wait) = (number(args, "after")?, millis(args, "wait_ms")?);
            // Nothing newer is no error, and giving up loses nothing.
            tokio::time::timeout(wait, next(&stream, after))
                .await
                .unwrap_or(Ok(Value::Null))
        }
        ("load_older", Stream::Timeline(timeline)) => done(timeline.load_older().await),
        ("load_newer", Stream::Timeline(timeline)) => done(timeline.load_newer().await),
        ("jump_to_newest", Stream::Timeline(timeline)) => done(timeline.jump_to_newest().await),
        ("jump", Stream::Timeline(timeline)) => {
            done(timeline.jump_to(ItemKey::from(reference(args, "message")?)).await)
        }
        ("load_older", Stream::List(list)) => done(list.load_older().await),
        ("load_newer", Stream::List(list)) => done(list.load_newer().await),
        ("jump_to_newest", Stream::List(list)) => done(list.jump_to_newest().await),
        _ => Err(bad(format!("this stream has no `{verb}`"))),
    }
}

async fn next(stream: &Stream, after: u64) -> Outcome {
    Ok(match stream {
        Stream::Session(stream) => snapshot(&stream.next(after).await?, shapes::session),
        Stream::Connection(stream) => snapshot(&stream.next(after).await?, shapes::connection),
        Stream::Outbox(stream) => snapshot(&stream.next(after).await?, |state| shapes::outbox(*state)),
        Stream::Unread(stream) => snapshot(
            &stream.next(after).await?,
            |unread| json!({ "messages": unread.messages, "conversations": unread.conversations }),
        ),
        Stream::Conversation(stream) => snapshot(&stream.next(after).await?, |info| {
            info.as_ref().map_or(Value::Null, shapes::info)
        }),
        Stream::List(stream) => snapshot(&stream.next(after).await?, |list| {
            let row = |item: &curo::ConversationItem| {
                json!({
                    "conversation": item.id.to_string(),
                    "title": item.row.title.as_ref().map(curo::Text::as_str),
                    "unread": item.row.unread,
                    "muted": item.row.muted,
                })
            };
            let rows: Vec<_> = list.items.iter().map(|item| row(item)).collect();
            json!({ "items": rows, "older": edge(&list.older), "newer": edge(&list.newer) })
        }),
        Stream::Timeline(stream) => snapshot(&stream.next(after).await?, |state| {
            let item = |item: &curo::TimelineItem| {
                let mut shape = shapes::item(&item.item);
                shape["key"] = json!(item.key.to_string());
                shape["revision"] = json!(item.revision);
                shape
            };
            let items: Vec<_> = state.items.iter().map(|one| item(one)).collect();
            json!({
                "items": items,
                "older": edge(&state.older),
                "newer": edge(&state.newer),
                "new_below": state.new_below,
                "anchor": state.anchor.map(|anchor| anchor.to_string()),
            })
        }),
    })
}

fn snapshot<T>(snapshot: &Snapshot<T>, state: impl FnOnce(&T) -> Value) -> Value {
    json!({ "revision": snapshot.revision, "locked": snapshot.locked, "state": state(&snapshot.state) })
}

fn edge(edge: &Edge) -> &'static str {
    match edge {
        Edge::End => "end",
        Edge::More => "more",
        Edge::Loading => "loading",
        _ => "failed",
    }
}
