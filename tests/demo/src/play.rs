//! Playing the steps, one after the other: each is finished on every device that is online before the next one begins.

mod expect;
mod phones;
mod settle;
mod words;

use std::path::Path;

use curo::{DeliveryState, IntentId, IntentStatus, MessageId, NewMessage, Priority};
use curo_kit::try_until;

use crate::error::PlayError;
use crate::ledger::{Fate, Ledger, PersonNo, RoomNo};
use crate::output::Output;
use crate::script::{Change, Create, Direct, RELAY, Script, Send, Step, Word};
use crate::stage::{Stage, WITHIN};

/// A play that is going on.
pub(crate) struct Player<'a, 'o> {
    script: &'a Script,
    pub(crate) ledger: Ledger,
    pub(crate) stage: Stage,
    pub(crate) out: &'a mut Output<'o>,
    pub(crate) failures: Vec<String>,
}

impl<'a, 'o> Player<'a, 'o> {
    /// Sets the stage.
    pub(crate) async fn start(script: &'a Script, dir: &Path, out: &'a mut Output<'o>) -> Result<Self, PlayError> {
        out.heading(&script.title.value)?;
        out.step("A relay starts: TLS with a certification authority made for this play.")?;
        let stage = Stage::set(script, dir).await?;
        let actors = script.people.value.iter();
        let cast: Vec<_> = actors
            .filter(|actor| actor.phone_of.is_none())
            .map(|actor| format!("{} ({})", actor.name.value, actor.role.value))
            .collect();
        out.step(&format!(
            "Everyone is signed in, each with an encrypted store: {}.",
            cast.join(", ")
        ))?;
        Ok(Self {
            script,
            ledger: Ledger::new(script),
            stage,
            out,
            failures: Vec::new(),
        })
    }

    /// Plays all steps.
    pub(crate) async fn steps(&mut self) -> Result<(), PlayError> {
        for step in &self.script.steps.value {
            let line = step.referenced.line();
            let before = self.ledger.clone();
            self.ledger.apply(&step.value)?;
            let played = async {
                self.step(&step.value, &before).await?;
                self.settle().await
            };
            played.await.map_err(|error: PlayError| error.in_line(line))?;
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step, before: &Ledger) -> Result<(), PlayError> {
        match step {
            Step::Say(text) => Ok(self.out.say(&text.value)?),
            Step::Create(step) => self.create(step).await,
            Step::Direct(step) => self.direct(step).await,
            Step::Send(step) => self.send(step).await,
            Step::Edit(step) => self.edit(step).await,
            Step::Delete(step) => self.delete(step, before).await,
            Step::Acknowledge(step) => self.acknowledge(step).await,
            Step::Search(step) => self.search(step).await,
            Step::Offline(who) => self.offline(who).await,
            Step::Lock(who) => self.lock(who).await,
            Step::Unlock(who) => self.unlock(who).await,
            Step::SignOut(step) => self.sign_out(step).await,
            Step::HandOver(step) => self.hand_over(step, before).await,
            Step::Online(who) => self.online(who).await,
            Step::Add(change) => self.add(change).await,
            Step::Remove(change) => self.remove(change, before).await,
            Step::Restart(who) => self.restart(who).await,
            Step::Expect(expect) => self.expect(expect).await,
        }
    }

    fn no(&self, word: &Word) -> PersonNo {
        // Every name was checked by the ledger.
        self.ledger.person(&word.value).unwrap_or_default()
    }

    fn room(&self, word: &Word) -> RoomNo {
        self.ledger.room(&word.value).unwrap_or_default()
    }

    async fn create(&mut self, step: &Create) -> Result<(), PlayError> {
        let with: Vec<_> = step.with.value.iter().map(|word| self.no(word)).collect();
        let names = self.ledger.names_of(&with);
        self.out.step(&format!(
            "{} creates \"{}\" with {names}.",
            step.by.value, step.conversation.value
        ))?;
        let by = self.no(&step.by);
        let users: Vec<_> = self.stage.users(&with).into_iter().collect();
        let (conversation, intent) = self.stage.person(by)?.client().create_conversation(&users).await?;
        self.stage.rooms.push(conversation.id());
        self.done(by, self.room(&step.conversation), intent).await
    }

    async fn direct(&mut self, step: &Direct) -> Result<(), PlayError> {
        let (by, with) = (self.no(&step.by), self.no(&step.with));
        self.out.step(&format!(
            "{} opens \"{}\", the direct conversation with {}.",
            step.by.value, step.conversation.value, step.with.value
        ))?;
        for user in self.stage.users([&with]) {
            let conversation = self.stage.person(by)?.client().direct_conversation(user).await?;
            self.stage.rooms.push(conversation.id());
        }
        Ok(())
    }

    async fn send(&mut self, step: &Send) -> Result<(), PlayError> {
        let (who, room) = (self.no(&step.who), self.room(&step.place));
        let priority = match step.priority.as_ref().map(|word| word.value.as_str()) {
            Some("stat") => Priority::Stat,
            Some(_) => Priority::Urgent,
            None => Priority::Routine,
        };
        let mark = step.priority.as_ref();
        let mark = mark.map(|word| format!(", {}", word.value)).unwrap_or_default();
        self.out.step(&format!(
            "{} in \"{}\"{mark}: {}",
            step.who.value, step.place.value, step.text.value
        ))?;
        let conversation = self.stage.view(who, room)?;
        let message = NewMessage {
            priority,
            ..NewMessage::text(step.text.value.as_str())
        };
        let id = conversation.send(message, MessageId::random()).await?;
        let no = self.ledger.text(&step.text.value).unwrap_or_default();
        self.stage.messages.insert(no, id);
        let accepted = matches!(
            self.ledger.texts.get(no).map(|text| &text.fate),
            Some(Fate::Accepted(_))
        );
        if !accepted {
            self.out.note("queued: it waits on the device for the relay")?;
            return Ok(());
        }
        let client = self.stage.person(who)?.client();
        let gone = async || {
            let state = conversation.delivery(id).await;
            matches!(state, Ok(DeliveryState::Sent | DeliveryState::Delivered { .. }))
        };
        try_until(client, "acceptance by the relay", WITHIN, gone).await?;
        let all = self
            .ledger
            .people()
            .filter(|other| *other != who && self.ledger.may_read(*other, no));
        let (has, waits): (Vec<_>, Vec<_>) = all.partition(|other| self.ledger.has(*other, no));
        let mut note = format!("accepted by the relay, for {}", self.ledger.names_of(&has));
        if !waits.is_empty() {
            note = format!("{note}; it waits there for {} (offline)", self.ledger.names_of(&waits));
        }
        Ok(self.out.note(&note)?)
    }

    async fn offline(&mut self, who: &Word) -> Result<(), PlayError> {
        self.out.step(&format!("{} goes offline.", who.value))?;
        let no = self.no(who);
        self.stage.person(no)?.cable().cut();
        self.stage.until_connected(no, false).await
    }

    async fn online(&mut self, who: &Word) -> Result<(), PlayError> {
        self.out.step(&format!("{} is back online.", who.value))?;
        let no = self.no(who);
        self.stage.person(no)?.cable().restore();
        self.stage.until_connected(no, true).await
    }

    async fn add(&mut self, step: &Change) -> Result<(), PlayError> {
        let (who, by, room) = (self.no(&step.who), self.no(&step.by), self.room(&step.place));
        self.out.step(&format!(
            "{} adds {} to \"{}\".",
            step.by.value, step.who.value, step.place.value
        ))?;
        let users: Vec<_> = self.stage.users([&who]).into_iter().collect();
        let intent = self.stage.view(by, room)?.add(&users).await?;
        self.done(by, room, intent).await
    }

    async fn remove(&mut self, step: &Change, before: &Ledger) -> Result<(), PlayError> {
        let (who, by, room) = (self.no(&step.who), self.no(&step.by), self.room(&step.place));
        let online = before.is_online(who);
        // For the proof that not even the keys of before the removal open what comes after it.
        self.stage.copy(who, room, online).await?;
        let step = format!(
            "{} removes {} from \"{}\".",
            step.by.value, step.who.value, step.place.value
        );
        self.out.step(&step)?;
        let users: Vec<_> = self.stage.users([&who]).into_iter().collect();
        let intent = self.stage.view(by, room)?.remove(&users).await?;
        self.done(by, room, intent).await?;
        if !online {
            self.out.note("offline: that device learns of it later")?;
        }
        Ok(())
    }

    async fn restart(&mut self, who: &Word) -> Result<(), PlayError> {
        if who.value == RELAY {
            self.out.step("The relay stops and starts again on its files.")?;
            self.stage.relay.restart().await?;
            for person in self.ledger.online_people() {
                self.stage.until_connected(person, true).await?;
            }
            return Ok(());
        }
        self.out
            .step(&format!("{}'s app is closed and opened again from disk.", who.value))?;
        let no = self.no(who);
        self.stage.person_mut(no)?.reopen().await?;
        self.stage.until_connected(no, self.ledger.is_online(no)).await
    }

    /// Waits until an intent is done; it must not fail.
    async fn done(&self, by: PersonNo, room: RoomNo, intent: IntentId) -> Result<(), PlayError> {
        let conversation = self.stage.view(by, room)?;
        let settled = async || !matches!(conversation.intent(intent).await, Ok(IntentStatus::Pending));
        try_until(self.stage.person(by)?.client(), "the commit", WITHIN, settled).await?;
        match conversation.intent(intent).await? {
            IntentStatus::Done => Ok(()),
            other => Err(PlayError::Proof(format!("the relay did not take it: {other:?}"))),
        }
    }
}
