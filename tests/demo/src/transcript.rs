//! What stands on each device at the end, and whether that is exactly what should.

use std::collections::BTreeSet;
use std::time::Duration;

use curo::{Body, DeliveryState, Entry, Item, Message, Priority};
use curo_kit::{items, try_until};

use crate::error::PlayError;
use crate::ledger::{At, Ledger, PersonNo, Room, RoomNo};
use crate::output::Output;
use crate::stage::Stage;

/// How long a last delivery may take to be told.
const DELIVERY_WITHIN: Duration = Duration::from_secs(5);

/// Shows every person's conversations; a text that is missing, or there without right, is a failure.
pub(crate) async fn all(
    stage: &Stage,
    ledger: &Ledger,
    out: &mut Output<'_>,
    failures: &mut Vec<String>,
) -> Result<(), PlayError> {
    delivered(stage, ledger).await?;
    for person in ledger.people() {
        let absent = match ledger.at(person) {
            At::Open | At::Locked => None,
            At::Before => Some("has never signed in"),
            At::Away => Some("the phone is in other hands, the profile closed"),
            At::Gone => Some("signed out, and nothing of it is left"),
        };
        if let Some(absent) = absent {
            out.heading(&format!("Of {}", ledger.name(person)))?;
            out.line("  ", absent)?;
            continue;
        }
        let state = if ledger.is_online(person) { "" } else { " (offline)" };
        out.heading(&format!("On {}'s device{state}", ledger.name(person)))?;
        let mut none = true;
        for (no, room) in ledger.rooms.iter().enumerate() {
            if room.ever.contains(&person) {
                none = false;
                let items = items(&stage.view(person, no)?).await?;
                check(ledger, person, no, &items, failures);
                Transcript {
                    stage,
                    ledger,
                    person,
                    room,
                    told: 0,
                    out,
                }
                .show(&items)?;
            }
        }
        if none {
            out.line("  ", "no conversation")?;
        }
    }
    Ok(())
}

/// Gives the last deliveries time to be told to their senders. What does not come is shown as it is: a device that went
/// offline at once has told nobody what it has.
async fn delivered(stage: &Stage, ledger: &Ledger) -> Result<(), PlayError> {
    for (no, text) in ledger.texts.iter().enumerate() {
        let there = ledger.is_online(text.by) && !ledger.is_deleted(no);
        let Some(id) = stage.messages.get(&no).copied().filter(|_| there) else {
            continue;
        };
        let members = ledger
            .rooms
            .get(text.room)
            .map(|room| &room.members)
            .into_iter()
            .flatten();
        let wanted = members
            .filter(|other| **other != text.by && ledger.has(**other, no))
            .count();
        let view = stage.view(text.by, text.room)?;
        let told = async || match view.delivery(id).await {
            Ok(DeliveryState::Delivered { by, .. }) => by as usize >= wanted,
            Ok(DeliveryState::Failed { .. }) => true,
            _ => wanted == 0,
        };
        let client = stage.person(text.by)?.client();
        if try_until(client, "delivery", DELIVERY_WITHIN, told).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn text(item: &Item) -> Option<&str> {
    match &item.entry {
        Entry::Message(message) => match &message.body {
            Body::Text(text) => Some(text.as_str()),
            _ => None,
        },
        _ => None,
    }
}

fn check(ledger: &Ledger, person: PersonNo, room: RoomNo, items: &[Item], failures: &mut Vec<String>) {
    let all: Vec<_> = items.iter().filter_map(text).collect();
    let texts: BTreeSet<_> = all.iter().copied().collect();
    let should = ledger.on_device(person, room);
    let name = ledger.name(person);
    let mut fail = |what: String| failures.push(format!("transcript of {name}: {what}"));
    if all.len() != texts.len() {
        fail("a message is there twice".to_owned());
    }
    for missing in should.difference(&texts) {
        fail(format!("it lacks {missing:?}"));
    }
    for surplus in texts.difference(&should) {
        fail(format!("it has no right to {surplus:?}"));
    }
    let accepted = items.iter().filter(|item| item.accepted_ms.is_some()).filter_map(text);
    let order: Vec<_> = accepted.filter_map(|text| ledger.text(text)).collect();
    let log: Vec<_> = ledger
        .rooms
        .get(room)
        .map(|room| room.accepted.clone())
        .unwrap_or_default();
    if order != log.into_iter().filter(|no| order.contains(no)).collect::<Vec<_>>() {
        fail("its messages are not in the order of the log".to_owned());
    }
    if items
        .iter()
        .any(|item| matches!(item.entry, Entry::Unreadable { .. } | Entry::ContentLost))
    {
        fail("it has a message that cannot be read".to_owned());
    }
}

struct Transcript<'a, 'o> {
    stage: &'a Stage,
    ledger: &'a Ledger,
    person: PersonNo,
    room: &'a Room,
    /// Accepted texts that were shown or passed over.
    told: usize,
    out: &'a mut Output<'o>,
}

impl Transcript<'_, '_> {
    fn show(&mut self, items: &[Item]) -> Result<(), PlayError> {
        let member = if self.room.believers.contains(&self.person) {
            ""
        } else {
            " - removed"
        };
        self.out.line("  ", &format!("[{}{member}]", self.room.name))?;
        for item in items {
            self.item(item)?;
        }
        self.gap()?;
        let waiting = self.room.accepted.iter().skip(self.told).count();
        if waiting > 0 {
            self.out
                .line("            ", &format!("[not here yet: {}]", messages(waiting)))?;
        }
        Ok(())
    }

    fn item(&mut self, item: &Item) -> Result<(), PlayError> {
        let time = item.accepted_ms.map(clock);
        let event = match &item.entry {
            Entry::Message(message) => {
                self.gap()?;
                if item.accepted_ms.is_some() && self.stage.text_of(message.id).is_some() {
                    self.told += 1;
                }
                let text = self.words(message);
                let name = self.name(message.sender);
                let state = message.delivery.as_ref().map(ToString::to_string).unwrap_or_default();
                let time = time.unwrap_or("--:--:--".to_owned());
                return Ok(self
                    .out
                    .line(&format!("    {time}  {name:<10}  {state:<13}  "), &text)?);
            }
            Entry::Members {
                by,
                added,
                removed,
                left,
            } => {
                let by = by.map_or("somebody".to_owned(), |user| self.name(user));
                let names =
                    |users: &[curo::UserId]| users.iter().map(|user| self.name(*user)).collect::<Vec<_>>().join(", ");
                match (added.as_slice(), removed.as_slice()) {
                    ([], []) => format!("{} left", names(left)),
                    (added, []) => format!("{by} added {}", names(added)),
                    ([], removed) => format!("{by} removed {}", names(removed)),
                    (added, removed) => format!("{by} added {} and removed {}", names(added), names(removed)),
                }
            }
            Entry::Joined => {
                self.gap()?;
                "this device joined".to_owned()
            }
            Entry::Unreadable { code, .. } => format!("[not readable: {code}]"),
            Entry::ContentLost => "[own message, content lost]".to_owned(),
            _ => "[an event that this version does not know]".to_owned(),
        };
        let lead = format!("    {:<8}  ", time.unwrap_or_default());
        Ok(self.out.line(&lead, &format!("-- {event} --"))?)
    }

    /// What a message says, and what was said about it.
    fn words(&self, message: &Message) -> String {
        let text = match &message.body {
            Body::Text(text) => text.as_str(),
            Body::Deleted => return "[deleted]".to_owned(),
            _ => return "[a kind of message that this version does not know]".to_owned(),
        };
        let urgent = match message.priority {
            Priority::Routine => "",
            Priority::Urgent => "[urgent] ",
            Priority::Stat => "[stat] ",
        };
        let edited = if message.edited { " [edited]" } else { "" };
        let names: Vec<_> = message.acknowledged_by.iter().map(|user| self.name(*user)).collect();
        let seen = match names.as_slice() {
            [] => String::new(),
            names => format!(" [acknowledged by {}]", names.join(", ")),
        };
        format!("{urgent}{text}{edited}{seen}")
    }

    /// Passes over what was said while this person was not a member, and says so.
    fn gap(&mut self) -> Result<(), PlayError> {
        let ahead = self.room.accepted.iter().skip(self.told);
        let count = ahead.take_while(|no| !self.ledger.may_read(self.person, **no)).count();
        if count > 0 {
            self.told += count;
            self.out
                .line("              ", &format!("[not readable here: {}]", messages(count)))?;
        }
        Ok(())
    }

    fn name(&self, user: curo::UserId) -> String {
        self.stage
            .who(user)
            .map_or("somebody".to_owned(), |no| self.ledger.name(no).to_owned())
    }
}

fn messages(count: usize) -> String {
    match count {
        1 => "1 message".to_owned(),
        _ => format!("{count} messages"),
    }
}

/// Time of day, UTC.
fn clock(ms: u64) -> String {
    let seconds = ms / 1000 % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
