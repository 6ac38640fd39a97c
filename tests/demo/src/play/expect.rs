//! What a script expects, asked of the real device.

use std::collections::BTreeSet;
use std::time::Duration;

use curo::{Conversation, DeliveryState, MessageId};
use curo_kit::{texts, try_until};

use super::Player;
use crate::error::PlayError;
use crate::ledger::Delivery;
use crate::script::{Expect, Word};

/// Delivery is told to senders a little later; what is wrong stays wrong for so long.
const DELIVERY_WITHIN: Duration = Duration::from_secs(20);

impl Player<'_, '_> {
    pub(super) async fn expect(&mut self, expect: &Expect) -> Result<(), PlayError> {
        let (holds, text) = if let Some(text) = &expect.reads {
            let found = self.found(&expect.who, text).await?;
            (found, format!("{} reads: {}", expect.who.value, short(&text.value)))
        } else if let Some(text) = &expect.does_not_read {
            let found = self.found(&expect.who, text).await?;
            (
                !found,
                format!("{} does not read: {}", expect.who.value, short(&text.value)),
            )
        } else if let Some(people) = &expect.acknowledged_by {
            self.acknowledged(expect, &people.value).await?
        } else {
            self.delivery(expect).await?
        };
        if holds {
            return Ok(self.out.good(&text)?);
        }
        self.fails(&expect.who, &text)
    }

    /// Keeps what does not hold, and where the script says it.
    pub(super) fn fails(&mut self, word: &Word, text: &str) -> Result<(), PlayError> {
        let line = word.referenced.line();
        self.out.bad(&format!("{text} (line {line})"))?;
        self.failures.push(format!("line {line}: {text}"));
        Ok(())
    }

    /// Who has taken note of an urgent message, as a device knows it.
    async fn acknowledged(&self, expect: &Expect, people: &[Word]) -> Result<(bool, String), PlayError> {
        let Some(text) = &expect.message else {
            return Ok((false, "the expectation says nothing".to_owned()));
        };
        let who = self.no(&expect.who);
        let no = self.ledger.text(&text.value).unwrap_or_default();
        let room = self.ledger.texts.get(no).map(|text| text.room).unwrap_or_default();
        let named: BTreeSet<_> = people.iter().map(|word| self.no(word)).collect();
        let wanted = self.stage.users(&named);
        let client = self.stage.person(who)?.client();
        let told = async || match self.stage.message(who, room, no).await {
            Ok(Some(message)) => message.acknowledged_by.iter().copied().collect::<BTreeSet<_>>() == wanted,
            _ => false,
        };
        let holds = try_until(client, "acknowledgement", DELIVERY_WITHIN, told)
            .await
            .is_ok();
        let names = match named.len() {
            0 => "nobody".to_owned(),
            _ => self.ledger.names_of(&named),
        };
        let text = short(&text.value);
        Ok((
            holds,
            format!("{} sees it acknowledged by {names}: {text}", expect.who.value),
        ))
    }

    /// Whether a text is anywhere on a person's device. Everything that is due there has come: the last step has settled.
    async fn found(&self, who: &Word, text: &Word) -> Result<bool, PlayError> {
        let client = self.stage.person(self.no(who))?.client();
        for info in client.conversations().await? {
            if texts(&client.conversation(info.id)).await?.contains(&text.value) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn delivery(&self, expect: &Expect) -> Result<(bool, String), PlayError> {
        let (Some(text), Some(is)) = (&expect.message, &expect.is) else {
            return Ok((false, "the expectation says nothing".to_owned()));
        };
        let wanted: Delivery = is
            .value
            .parse()
            .map_err(|reason: &str| PlayError::Proof(reason.to_owned()))?;
        let no = self.ledger.text(&text.value).unwrap_or_default();
        let room = self.ledger.texts.get(no).map(|text| text.room).unwrap_or_default();
        let who = self.no(&expect.who);
        let (view, client) = (self.stage.view(who, room)?, self.stage.person(who)?.client());
        let Some(id) = self.stage.messages.get(&no).copied() else {
            return Ok((false, "the message was never sent".to_owned()));
        };
        let reached = async || state(&view, id).await.is_some_and(|state| wanted.matches(&state));
        let holds = try_until(client, "delivery", DELIVERY_WITHIN, reached).await.is_ok();
        let told = format!("{}'s message is {wanted}: {}", expect.who.value, short(&text.value));
        let other = state(&view, id).await.filter(|_| !holds);
        Ok((
            holds,
            other.map_or(told.clone(), |state| format!("{told} - but it is {state}")),
        ))
    }
}

async fn state(view: &Conversation, id: MessageId) -> Option<DeliveryState> {
    view.delivery(id).await.ok()
}

/// Enough of a text to know it again.
pub(super) fn short(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().count() <= MOST {
        return format!("\"{text}\"");
    }
    let start: String = text.chars().take(MOST).collect();
    format!("\"{}…\"", start.trim_end())
}
