//! Edits, deletes, acknowledgements and searches, on the real devices.

use std::collections::BTreeSet;

use curo::{Hit, Message};
use curo_kit::try_until;

use super::Player;
use super::expect::short;
use crate::error::PlayError;
use crate::ledger::{Ledger, PersonNo, RoomNo, TextNo};
use crate::script::{Edit, OfMessage, Search, Word};
use crate::stage::WITHIN;

/// Most hits that are asked for.
const HITS: usize = 100;

impl Player<'_, '_> {
    pub(super) async fn edit(&mut self, step: &Edit) -> Result<(), PlayError> {
        let (was, now) = (short(&step.message.value), &step.text.value);
        self.out.step(&format!("{} changes {was} to: {now}", step.who.value))?;
        let (who, no, room) = self.about(&step.who, &step.message);
        let message = self.message(who, room, no).await?;
        let view = self.stage.view(who, room)?;
        view.edit(message.reference(), now.as_str().into(), &[]).await?;
        self.unsent_no_more(who, room, no).await?;
        Ok(self.out.note("everyone sees the new words, and that they are new")?)
    }

    pub(super) async fn delete(&mut self, step: &OfMessage, before: &Ledger) -> Result<(), PlayError> {
        let text = short(&step.message.value);
        self.out.step(&format!("{} deletes {text}", step.who.value))?;
        let (who, no, room) = self.about(&step.who, &step.message);
        let message = self.message(who, room, no).await?;
        let view = self.stage.view(who, room)?;
        view.delete(message.reference()).await?;
        let knows = |other: &PersonNo| *other != who && before.has(*other, no) && self.ledger.knows_deleted(*other, no);
        let others: BTreeSet<_> = self.ledger.people().filter(knows).collect();
        let wanted = self.stage.users(&others);
        let purged = async || match view.purge(message.reference()).await {
            Ok(purge) => wanted.iter().all(|user| purge.devices.iter().any(|(by, _)| by == user)),
            Err(_) => false,
        };
        let client = self.stage.person(who)?.client();
        try_until(client, "receipts of the purge", WITHIN, purged).await?;
        let names = self.ledger.names_of(&others);
        Ok(self
            .out
            .note(&format!("signed receipts: purged on the devices of {names}"))?)
    }

    pub(super) async fn acknowledge(&mut self, step: &OfMessage) -> Result<(), PlayError> {
        let text = short(&step.message.value);
        self.out.step(&format!("{} takes note of {text}", step.who.value))?;
        let (who, no, room) = self.about(&step.who, &step.message);
        let message = self.message(who, room, no).await?;
        self.stage.view(who, room)?.acknowledge(message.reference()).await?;
        self.unsent_no_more(who, room, no).await
    }

    pub(super) async fn search(&mut self, step: &Search) -> Result<(), PlayError> {
        let (who, words) = (&step.who, &step.words.value);
        self.out.step(&format!("{} searches for \"{words}\".", who.value))?;
        let person = self.no(who);
        let client = self.stage.person(person)?.client();
        let found = client.search(words, None, HITS).await?.hits;
        for hit in &found {
            let line = self.hit(hit);
            self.out.note(&line)?;
        }
        let wanted: BTreeSet<_> = step.finds.value.iter().map(|text| self.text_no(text)).collect();
        let known: BTreeSet<_> = found
            .iter()
            .filter_map(|hit| self.stage.text_of(hit.message.message))
            .collect();
        let count = match wanted.len() {
            0 => "nothing, as it should,".to_owned(),
            1 => "the 1 message that it should".to_owned(),
            count => format!("the {count} messages that it should"),
        };
        let text = format!("\"{words}\" finds {count} on {}'s device", who.value);
        if known == wanted && found.len() == wanted.len() {
            return Ok(self.out.good(&text)?);
        }
        self.fails(who, &format!("{text} - but it finds {}", found.len()))
    }

    /// Where it was found, with the finds marked.
    fn hit(&self, hit: &Hit) -> String {
        let room = self.stage.rooms.iter().position(|id| *id == hit.conversation);
        let room = room.and_then(|no| self.ledger.rooms.get(no));
        let place = room.map_or("?", |room| room.name.as_str());
        let sender = hit.sender.and_then(|user| self.stage.who(user));
        let sender = sender.map_or("somebody", |no| self.ledger.name(no));
        let (mut marked, mut at, text) = (String::new(), 0, hit.snippet.as_str());
        for range in &hit.highlights {
            marked.push_str(text.get(at..range.start).unwrap_or_default());
            marked.push('[');
            marked.push_str(text.get(range.clone()).unwrap_or_default());
            marked.push(']');
            at = range.end;
        }
        marked.push_str(text.get(at..).unwrap_or_default());
        format!("{place}, {sender}: {marked}")
    }

    fn text_no(&self, text: &Word) -> TextNo {
        // Every text was checked by the ledger.
        self.ledger.text(&text.value).unwrap_or_default()
    }

    fn about(&self, who: &Word, message: &Word) -> (PersonNo, TextNo, RoomNo) {
        let no = self.text_no(message);
        let room = self.ledger.texts.get(no).map(|text| text.room).unwrap_or_default();
        (self.no(who), no, room)
    }

    async fn message(&self, who: PersonNo, room: RoomNo, no: TextNo) -> Result<Message, PlayError> {
        let message = self.stage.message(who, room, no).await?;
        message.ok_or_else(|| PlayError::Proof("the message is not on the device".to_owned()))
    }

    /// Waits until the relay has what somebody said about a message.
    async fn unsent_no_more(&self, who: PersonNo, room: RoomNo, no: TextNo) -> Result<(), PlayError> {
        let gone = async || match self.stage.message(who, room, no).await {
            Ok(Some(message)) => message.unsent_change.is_none(),
            _ => false,
        };
        let client = self.stage.person(who)?.client();
        Ok(try_until(client, "acceptance by the relay", WITHIN, gone).await?)
    }
}
