//! What is expected of what an app shows.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use super::Player;
use super::act::word;
use super::read::{is_message, list, strings};
use crate::driver::Answer;
use crate::scenario::{Args, Spanned};
use crate::stage::{Seat, Trouble};

type Words = Option<Spanned<Vec<Spanned<String>>>>;

pub(super) fn within(args: &Args) -> Option<u64> {
    args.within_s.as_ref().map(|within| within.value)
}

pub(super) fn unmet<T>(reason: String) -> Result<T, Trouble> {
    Err(Trouble::Unmet(reason))
}

/// Compares where something is expected, and shows both as JSON, as drivers write it.
pub(super) fn equal<T: PartialEq<U> + Serialize, U: Serialize>(
    what: &str,
    now: &T,
    wanted: Option<&U>,
) -> Result<(), Trouble> {
    match wanted {
        Some(wanted) if now != wanted => unmet(format!("{what} is {}; expected: {}", json!(now), json!(wanted))),
        _ => Ok(()),
    }
}

pub(super) fn texts(words: &Words) -> Option<Vec<String>> {
    words
        .as_ref()
        .map(|words| words.value.iter().map(|word| word.value.clone()).collect())
}

/// What was said, oldest first.
pub(super) fn said(items: &[Value]) -> Vec<String> {
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
            match self.messages(seat, &self.stage.conversation(word(&args.place))?).await {
                Ok(items) if said(&items).contains(&text.value) => {
                    return unmet(format!("{} reads {:?}", seat.actor.name, text.value));
                }
                // Who is refused does not read. Who gives no answer says nothing.
                Ok(_) | Err(Trouble::Unmet(_)) => {}
                Err(trouble) => return Err(trouble),
            }
            if args.given().len() == 3 {
                return Ok(());
            }
        }
        if args.absent.as_ref().is_some_and(|absent| absent.value) {
            return self.message(seat, args).await;
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
}
