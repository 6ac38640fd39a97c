//! What several apps, or several ways of reading in one app, must show alike.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::Player;
use super::act::word;
use super::expect::{equal, said, texts, unmet, within};
use super::read::{is_message, list};
use crate::scenario::Args;
use crate::stage::{Seat, Trouble};

/// How long one pull of a stream may wait, milliseconds.
const PULL_MS: u64 = 1000;
/// Items that a window has, at most.
const WINDOW: usize = 300;

impl Player<'_> {
    /// All have the same messages in the same order, none twice.
    pub(super) async fn agree(&self, args: &Args) -> Result<(), Trouble> {
        let names: Vec<_> = args
            .all
            .iter()
            .flat_map(|all| &all.value)
            .map(|name| name.value.as_str())
            .collect();
        let wanted = args.count.as_ref().map(|count| count.value);
        self.until(within(args), || async {
            let mut first: Option<(&str, Vec<Value>)> = None;
            for name in &names {
                let seat = self.stage.seat(name)?;
                let id = self.place(seat, word(&args.place)).await?;
                let messages = self.messages(seat, &id).await?;
                let seen: Vec<_> = messages
                    .iter()
                    .map(|item| json!([item["device"], item["message"], item["body"], item["text"]]))
                    .collect();
                let ids: BTreeSet<_> = seen.iter().map(|one| format!("{}{}", one[0], one[1])).collect();
                if ids.len() != seen.len() {
                    return unmet(format!("{name} has a message twice"));
                }
                equal(
                    &format!("the number of {name}'s messages"),
                    &(seen.len() as u64),
                    wanted.as_ref(),
                )?;
                match &first {
                    None => first = Some((name, seen)),
                    Some((other, known)) if *known != seen => {
                        let differ = known.iter().zip(&seen).position(|(one, other)| one != other);
                        let at = differ.unwrap_or(known.len().min(seen.len()));
                        return unmet(format!(
                            "{other} has {} messages, {name} {}; they differ from number {} on",
                            known.len(),
                            seen.len(),
                            at + 1
                        ));
                    }
                    Some(_) => {}
                }
            }
            Ok(())
        })
        .await
    }

    /// What a timeline on the screen shows, pulled as an app pulls it.
    pub(super) async fn screen(&self, args: &Args) -> Result<(), Trouble> {
        let seat = self.stage.seat(word(&args.who))?;
        let id = self.place(seat, word(&args.place)).await?;
        let wanted = texts(&args.texts);
        let stream = seat
            .call("watch", json!({ "what": "timeline", "conversation": id }))
            .await?;
        let revision = AtomicU64::new(0);
        let last = Mutex::new(Value::Null);
        let ended = self
            .until(within(args), || async {
                let after = revision.load(Ordering::Relaxed);
                let ask = json!({ "stream": stream["stream"], "after": after, "wait_ms": PULL_MS });
                let snapshot = seat.call("next", ask).await?;
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(now) = snapshot["revision"].as_u64() {
                    revision.store(now, Ordering::Relaxed);
                    *last = snapshot;
                }
                equal("the screen", &said(&list(&last["state"]["items"])), wanted.as_ref())
            })
            .await;
        seat.call("unwatch", json!({ "stream": stream["stream"] })).await?;
        ended
    }

    pub(super) async fn search(&self, args: &Args) -> Result<(), Trouble> {
        let seat = self.stage.seat(word(&args.who))?;
        let place = match &args.place {
            Some(place) => json!(self.stage.conversation(&place.value)?),
            None => Value::Null,
        };
        let wanted: BTreeSet<_> = texts(&args.finds).unwrap_or_default().into_iter().collect();
        self.until(within(args), || async {
            let mut found = BTreeSet::new();
            let mut after = Value::Null;
            loop {
                let ask = json!({ "conversation": place, "words": word(&args.words), "limit": 50, "after": after });
                let page = seat.call("search", ask).await?;
                for hit in list(&page["hits"]) {
                    let id = hit["message"]["message"].as_str().unwrap_or_default().to_owned();
                    found.insert(self.stage.message_name(&id));
                }
                after = page["next"].clone();
                if after.is_null() {
                    break;
                }
            }
            equal("what is found", &found, Some(&wanted))
        })
        .await
    }

    /// Everything in pages, backwards and forwards, and through a window on the screen: the same, whole, in order.
    pub(super) async fn pages(&self, args: &Args) -> Result<(), Trouble> {
        let seat = self.stage.seat(word(&args.who))?;
        let id = self.place(seat, word(&args.place)).await?;
        let size = args.size.as_ref().map_or(50, |size| size.value);
        let wanted = args.count.as_ref().map_or(0, |count| count.value);
        let key = |item: &Value| format!("{}.{}", item["device"], item["message"]);
        let keys = |items: &[Value]| {
            items
                .iter()
                .filter(|item| is_message(item))
                .map(key)
                .collect::<Vec<_>>()
        };
        self.until(within(args), || async {
            let backwards = keys(&self.items(seat, &id, size).await?);
            equal("the number of messages", &(backwards.len() as u64), Some(&wanted))?;
            let once: BTreeSet<_> = backwards.iter().collect();
            if once.len() != backwards.len() {
                return unmet("a message is in two pages".to_owned());
            }
            let forwards = keys(&self.forwards(seat, &id, size).await?);
            if forwards != backwards {
                return unmet("pages forwards are not those backwards".to_owned());
            }
            Ok(())
        })
        .await?;
        let shown = self.scrolled(seat, &id, size).await?;
        if shown as u64 != wanted {
            return unmet(format!(
                "scrolling to the top shows {shown} messages; expected: {wanted}"
            ));
        }
        Ok(())
    }

    /// From the oldest page on.
    async fn forwards(&self, seat: &Seat, conversation: &str, limit: u64) -> Result<Vec<Value>, Trouble> {
        let mut before = Value::Null;
        let mut page;
        loop {
            let args = json!({ "conversation": conversation, "limit": limit, "before": before });
            page = seat.call("page", args).await?;
            before = page["older"].clone();
            if before.is_null() {
                break;
            }
        }
        let mut items = list(&page["items"]);
        while !page["newer"].is_null() {
            let args = json!({ "conversation": conversation, "limit": limit, "after": page["newer"] });
            page = seat.call("page", args).await?;
            items.append(&mut list(&page["items"]));
        }
        Ok(items)
    }

    /// How many messages a person sees who scrolls a window of the screen to the top.
    async fn scrolled(&self, seat: &Seat, conversation: &str, page: u64) -> Result<usize, Trouble> {
        let watch = json!({ "what": "timeline", "conversation": conversation, "page": page });
        let stream = seat.call("watch", watch).await?["stream"].clone();
        seat.call("jump_to_newest", json!({ "stream": stream })).await?;
        let mut seen = BTreeSet::new();
        let mut revision = json!(0);
        loop {
            let ask = json!({ "stream": stream, "after": revision, "wait_ms": 30 * PULL_MS });
            let snapshot = seat.call("next", ask).await?;
            if snapshot.is_null() {
                return unmet("scrolling up brings nothing more, and it is not the end".to_owned());
            }
            revision = snapshot["revision"].clone();
            let items = list(&snapshot["state"]["items"]);
            if items.len() > WINDOW {
                return unmet(format!("the window has {} items", items.len()));
            }
            let keys = items
                .iter()
                .filter(|item| is_message(item))
                .filter_map(|item| item["key"].as_str());
            seen.extend(keys.map(str::to_owned));
            match snapshot["state"]["older"].as_str() {
                Some("more") => drop(seat.call("load_older", json!({ "stream": stream })).await?),
                Some("loading") => {}
                _ => break,
            }
        }
        seat.call("unwatch", json!({ "stream": stream })).await?;
        Ok(seen.len())
    }
}
