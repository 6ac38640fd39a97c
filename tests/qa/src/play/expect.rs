//! What is expected of what an app shows.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Player;
use super::act::word;
use super::read::{is_message, list, strings};
use crate::driver::Answer;
use crate::scenario::{Args, Spanned};
use crate::stage::{Seat, Trouble};

type Words = Option<Spanned<Vec<Spanned<String>>>>;

/// How long one pull of a stream may wait, milliseconds.
const PULL_MS: u64 = 1000;

fn within(args: &Args) -> Option<u64> {
    args.within_s.as_ref().map(|within| within.value)
}

fn unmet<T>(reason: String) -> Result<T, Trouble> {
    Err(Trouble::Unmet(reason))
}

/// Compares where something is expected.
fn equal<T: PartialEq<U> + std::fmt::Debug, U: std::fmt::Debug>(
    what: &str,
    now: &T,
    wanted: Option<&U>,
) -> Result<(), Trouble> {
    match wanted {
        Some(wanted) if now != wanted => unmet(format!("{what} is {now:?}; expected: {wanted:?}")),
        _ => Ok(()),
    }
}

fn texts(words: &Words) -> Option<Vec<String>> {
    words
        .as_ref()
        .map(|words| words.value.iter().map(|word| word.value.clone()).collect())
}

/// What was said, oldest first.
fn said(items: &[Value]) -> Vec<String> {
    let messages = items.iter().filter(|item| is_message(item));
    messages
        .filter_map(|item| item["text"].as_str())
        .map(str::to_owned)
        .collect()
}

impl Player<'_> {
    pub(super) async fn expect(&self, args: &Args) -> Result<(), Trouble> {
        let seat = self.stage.seat(word(&args.who))?;
        // What shall not be there is looked for once: waiting could only make it come.
        if let (Some(text), Some(_)) = (&args.does_not_read, &args.place) {
            let here = self.messages(seat, &self.stage.conversation(word(&args.place))?).await;
            if let Ok(items) = here
                && said(&items).contains(&text.value)
            {
                return unmet(format!("{} reads {:?}", seat.actor.name, text.value));
            }
            if args.given().len() == 3 {
                return Ok(());
            }
        }
        self.until(within(args), || async {
            if args.message.is_some() {
                self.message(seat, args).await
            } else if args.intent.is_some() {
                self.intent(seat, args).await
            } else if args.place.is_some() {
                self.conversation(seat, args).await
            } else {
                self.device(seat, args).await
            }
        })
        .await
    }

    /// Names of people as a set of user ids.
    fn people(&self, names: &Words) -> Result<Option<BTreeSet<String>>, Trouble> {
        let Some(names) = names else { return Ok(None) };
        let users = self.stage.users(names.value.iter().map(|name| name.value.as_str()))?;
        Ok(Some(users.into_iter().collect()))
    }

    fn same_people(&self, what: &str, now: &[String], names: &Words) -> Result<(), Trouble> {
        let Some(wanted) = self.people(names)? else {
            return Ok(());
        };
        let now: BTreeSet<_> = now.iter().cloned().collect();
        if now == wanted {
            return Ok(());
        }
        let named = |users: &BTreeSet<String>| users.iter().map(|user| self.stage.user_name(user)).collect::<Vec<_>>();
        unmet(format!("{what}: {:?}; expected: {:?}", named(&now), named(&wanted)))
    }

    async fn message(&self, seat: &Seat, args: &Args) -> Result<(), Trouble> {
        let name = word(&args.message);
        let (conversation, reference, _) = self.stage.message(name)?;
        let look = json!({ "conversation": conversation, "message": reference });
        let item = match seat.ask("message", look.clone(), false).await? {
            Answer::Ok(item) => item,
            Answer::Refused(code) => return unmet(format!("{name} cannot be read: {code}")),
            Answer::Dropped => Value::Null,
        };
        let absent = args.absent.as_ref().is_some_and(|absent| absent.value);
        if item.is_null() || absent {
            return match (item.is_null(), absent) {
                (true, true) => Ok(()),
                (true, false) => unmet(format!("{} does not have {name}", seat.actor.name)),
                _ => unmet(format!("{} has {name}", seat.actor.name)),
            };
        }
        if let Some(is) = &args.is {
            let now = item["delivery"].as_str().unwrap_or("somebody else's");
            // `failed` stands for every code.
            if now != is.value && !(is.value == "failed" && now.starts_with("failed")) {
                return unmet(format!("{name} is {now}; expected: {}", is.value));
            }
        }
        if let Some(code) = &args.code {
            equal(
                name,
                &item["delivery"],
                Some(&json!(format!("failed ({})", code.value))),
            )?;
        }
        equal(
            "the text",
            &item["text"],
            args.text.as_ref().map(|text| json!(text.value)).as_ref(),
        )?;
        equal(
            "edited",
            &item["edited"],
            args.edited.as_ref().map(|edited| json!(edited.value)).as_ref(),
        )?;
        let deleted = item["body"] == "deleted";
        equal(
            "deleted",
            &deleted,
            args.deleted.as_ref().map(|deleted| deleted.value).as_ref(),
        )?;
        self.same_people(
            "acknowledged by",
            &strings(&item["acknowledged_by"]),
            &args.acknowledged_by,
        )?;
        if args.reacted_by.is_some() {
            let emoji = word(&args.emoji);
            let reactions = list(&item["reactions"]);
            let of = reactions.iter().find(|one| one["emoji"] == emoji);
            let users = of.map_or_else(Vec::new, |one| strings(&one["users"]));
            self.same_people(&format!("{emoji} by"), &users, &args.reacted_by)?;
        }
        if args.read_by.is_some() {
            let receipts = list(&seat.call("receipts", look).await?);
            let read = receipts.iter().filter(|one| one["read"] == true);
            let users: Vec<_> = read.filter_map(|one| one["user"].as_str()).map(str::to_owned).collect();
            self.same_people("read by", &users, &args.read_by)?;
        }
        Ok(())
    }

    async fn intent(&self, seat: &Seat, args: &Args) -> Result<(), Trouble> {
        let (conversation, intent) = self.stage.intent(word(&args.intent))?;
        let now = seat
            .call("intent", json!({ "conversation": conversation, "intent": intent }))
            .await?;
        equal(
            "the intent",
            &now["state"],
            args.is.as_ref().map(|is| json!(is.value)).as_ref(),
        )?;
        equal(
            "its code",
            &now["code"],
            args.code.as_ref().map(|code| json!(code.value)).as_ref(),
        )
    }

    async fn conversation(&self, seat: &Seat, args: &Args) -> Result<(), Trouble> {
        let id = self.stage.conversation(word(&args.place))?;
        let ask = json!({ "conversation": id });
        let info = match seat.ask("info", ask.clone(), false).await? {
            Answer::Ok(info) => info,
            other => return unmet(format!("{} does not have it: {other:?}", seat.actor.name)),
        };
        self.same_people("members", &strings(&info["members"]), &args.members)?;
        equal(
            "the title",
            &info["title"],
            args.title.as_ref().map(|title| json!(title.value)).as_ref(),
        )?;
        equal(
            "left",
            &info["left"],
            args.left.as_ref().map(|left| json!(left.value)).as_ref(),
        )?;
        equal(
            "purged",
            &info["purged"],
            args.purged.as_ref().map(|purged| json!(purged.value)).as_ref(),
        )?;
        equal(
            "frozen",
            &info["frozen"],
            args.frozen.as_ref().map(|code| json!(code.value)).as_ref(),
        )?;
        if let Some(unread) = &args.unread {
            equal(
                "unread",
                &seat.call("unread", ask.clone()).await?,
                Some(&json!(unread.value)),
            )?;
        }
        if let Some(draft) = &args.draft {
            equal(
                "the draft",
                &seat.call("draft", ask.clone()).await?,
                Some(&json!(draft.value)),
            )?;
        }
        if args.texts.is_some() || args.reads.is_some() || args.count.is_some() {
            let messages = self.messages(seat, &id).await?;
            let said = said(&messages);
            equal("what is read", &said, texts(&args.texts).as_ref())?;
            if let Some(text) = &args.reads
                && !said.contains(&text.value)
            {
                return unmet(format!("{} does not read {:?}", seat.actor.name, text.value));
            }
            equal(
                "the number of messages",
                &(messages.len() as u64),
                args.count.as_ref().map(|count| count.value).as_ref(),
            )?;
        }
        Ok(())
    }

    async fn device(&self, seat: &Seat, args: &Args) -> Result<(), Trouble> {
        if args.connection.is_some() || args.code.is_some() {
            let now = seat.call("connection", json!({})).await?;
            equal(
                "the connection",
                &now["state"],
                args.connection.as_ref().map(|word| json!(word.value)).as_ref(),
            )?;
            equal(
                "its code",
                &now["code"],
                args.code.as_ref().map(|code| json!(code.value)).as_ref(),
            )?;
        }
        if let Some(session) = &args.session {
            let now = seat.call("session", json!({})).await?;
            equal("the session", &now["state"], Some(&json!(session.value)))?;
        }
        if args.waiting.is_some() || args.failed.is_some() {
            let now = seat.call("outbox", json!({})).await?;
            equal(
                "waiting",
                &now["waiting"],
                args.waiting.as_ref().map(|count| json!(count.value)).as_ref(),
            )?;
            equal(
                "failed",
                &now["failed"],
                args.failed.as_ref().map(|count| json!(count.value)).as_ref(),
            )?;
        }
        if let Some(unread) = &args.unread {
            let now = seat.call("unread", json!({})).await?;
            equal("unread", &now["messages"], Some(&json!(unread.value)))?;
        }
        if let Some(count) = &args.conversations {
            let now = list(&seat.call("conversations", json!({})).await?).len() as u64;
            equal("the number of conversations", &now, Some(&count.value))?;
        }
        Ok(())
    }

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
        let revision = std::sync::atomic::AtomicU64::new(0);
        let last = std::sync::Mutex::new(Value::Null);
        let ended = self
            .until(within(args), || async {
                let after = revision.load(std::sync::atomic::Ordering::Relaxed);
                let ask = json!({ "stream": stream["stream"], "after": after, "wait_ms": PULL_MS });
                let snapshot = seat.call("next", ask).await?;
                let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if let Some(now) = snapshot["revision"].as_u64() {
                    revision.store(now, std::sync::atomic::Ordering::Relaxed);
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
        self.until(within(args).or(Some(240)), || async {
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
            if items.len() > 300 {
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
