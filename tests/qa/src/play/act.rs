//! What a person does in the app.

use curo_types::MessageId;
use serde_json::{Value, json};

use super::Player;
use crate::driver::Answer;
use crate::scenario::{Args, Spanned};
use crate::stage::{Named, Seat, Trouble};

/// The answer; `None` where the core said no as expected.
pub(super) fn refusal(verb: &str, answer: Answer, error: Option<&str>) -> Result<Option<Value>, Trouble> {
    let unmet = |reason| Err(Trouble::Unmet(reason));
    match (answer, error) {
        (Answer::Ok(value), None) => Ok(Some(value)),
        (Answer::Refused(code), Some(wanted)) if code == wanted => Ok(None),
        (Answer::Dropped, None) => Ok(None),
        (Answer::Refused(code), None) => unmet(format!("`{verb}` was refused: {code}")),
        (Answer::Refused(code), Some(wanted)) => unmet(format!("`{verb}` was refused with {code} instead of {wanted}")),
        (Answer::Ok(_) | Answer::Dropped, Some(wanted)) => {
            unmet(format!("`{verb}` was not refused; {wanted} was expected"))
        }
    }
}

pub(super) fn word(value: &Option<Spanned<String>>) -> &str {
    value.as_ref().map_or("", |word| word.value.as_str())
}

fn flag(value: &Option<Spanned<bool>>) -> bool {
    value.as_ref().is_some_and(|flag| flag.value)
}

pub(super) fn error(args: &Args) -> Option<&str> {
    args.error.as_ref().map(|error| error.value.as_str())
}

fn names(value: &Option<Spanned<Vec<Spanned<String>>>>) -> impl Iterator<Item = &str> {
    value
        .iter()
        .flat_map(|names| &names.value)
        .map(|name| name.value.as_str())
}

impl Player<'_> {
    pub(super) async fn act(&self, verb: &str, args: &Args) -> Result<(), Trouble> {
        let seat = self.stage.seat(word(&args.who))?;
        match verb {
            "create" | "direct" => self.create(verb, seat, args).await,
            "send" => self.send(seat, args).await,
            "send_many" => self.send_many(seat, args).await,
            "add" | "remove" | "leave" | "set_title" | "set_role" | "set_draft" => {
                self.in_place(verb, seat, args).await
            }
            "edit" | "amend" | "delete" | "react" | "unreact" | "acknowledge" | "mark_read" => {
                self.of_message(verb, seat, args).await
            }
            "send_again" | "retry" | "cancel" => self.of_own(verb, seat, args).await,
            "call" => self.call(seat, args).await,
            // lock, unlock, suspend, resume, rekey
            verb => refusal(verb, seat.ask(verb, json!({}), false).await?, error(args)).map(drop),
        }
    }

    async fn create(&self, verb: &str, seat: &Seat, args: &Args) -> Result<(), Trouble> {
        let people = self.stage.users(names(&args.with))?;
        let ask = match verb {
            "create" => json!({ "people": people, "title": args.title.as_ref().map(|title| &title.value) }),
            _ => json!({ "person": people.first() }),
        };
        if let Some(made) = refusal(verb, seat.ask(verb, ask, false).await?, error(args))? {
            let id = made["conversation"].as_str().unwrap_or_default();
            seat.saw(id);
            self.stage.name(word(&args.name), Named::Conversation(id.to_owned()));
        }
        Ok(())
    }

    /// The conversation, once this device has it.
    pub(super) async fn place(&self, seat: &Seat, name: &str) -> Result<String, Trouble> {
        let id = self.stage.conversation(name)?;
        if seat.has_seen(&id) {
            return Ok(id);
        }
        self.until(None, || async {
            match seat.ask("info", json!({ "conversation": id }), false).await? {
                Answer::Ok(_) => Ok(()),
                other => Err(Trouble::Unmet(format!(
                    "{} does not have {name}: {other:?}",
                    seat.actor.name
                ))),
            }
        })
        .await?;
        seat.saw(&id);
        Ok(id)
    }

    /// As [`Player::place`]; who expects to be refused does not wait.
    async fn place_for(&self, seat: &Seat, args: &Args) -> Result<String, Trouble> {
        match &args.error {
            Some(_) => self.stage.conversation(word(&args.place)),
            None => self.place(seat, word(&args.place)).await,
        }
    }

    async fn send(&self, seat: &Seat, args: &Args) -> Result<(), Trouble> {
        let conversation = self.place_for(seat, args).await?;
        let text = match (&args.text_bytes, &args.utf16) {
            (Some(bytes), _) => json!("x".repeat(usize::try_from(bytes.value).unwrap_or_default())),
            (_, Some(units)) => json!({ "utf16": units.value }),
            _ => json!(word(&args.text)),
        };
        let reference = |message: &Option<Spanned<String>>| match message {
            Some(message) => Ok(self.stage.message(&message.value)?.1),
            None => Ok::<_, Trouble>(Value::Null),
        };
        let id = MessageId::random().to_string();
        let ask = json!({
            "conversation": conversation,
            "message": id,
            "text": text,
            "priority": args.priority.as_ref().map(|priority| &priority.value),
            "reply_to": reference(&args.reply_to)?,
            "thread": reference(&args.thread)?,
        });
        let answer = seat.ask("send", ask.clone(), flag(&args.dropped)).await?;
        refusal("send", answer, error(args))?;
        if let Some(name) = &args.name {
            let sent = Named::Message {
                conversation,
                device: seat.device()?,
                message: id,
                sent: ask,
            };
            self.stage.name(&name.value, sent);
        }
        Ok(())
    }

    async fn send_many(&self, seat: &Seat, args: &Args) -> Result<(), Trouble> {
        let conversation = self.place(seat, word(&args.place)).await?;
        for n in 1..=args.count.as_ref().map_or(0, |count| count.value) {
            let text = word(&args.text).replace("{n}", &n.to_string());
            let message = MessageId::random().to_string();
            let ask = json!({ "conversation": conversation, "message": message, "text": text });
            seat.call("send", ask).await?;
        }
        Ok(())
    }

    async fn in_place(&self, verb: &str, seat: &Seat, args: &Args) -> Result<(), Trouble> {
        let conversation = self.place_for(seat, args).await?;
        let mut ask = json!({ "conversation": conversation });
        match verb {
            "add" | "remove" => ask["people"] = json!(self.stage.users(names(&args.people))?),
            "set_title" => ask["title"] = json!(word(&args.title)),
            "set_role" => {
                ask["person"] = json!(self.stage.seat(word(&args.person))?.user()?);
                ask["role"] = json!(word(&args.role));
            }
            "set_draft" => ask["text"] = json!(word(&args.text)),
            _ => {}
        }
        let done = refusal(verb, seat.ask(verb, ask, false).await?, error(args))?;
        self.name_intent(args, &conversation, done.as_ref());
        Ok(())
    }

    pub(super) fn name_intent(&self, args: &Args, conversation: &str, done: Option<&Value>) {
        let intent = done.and_then(|done| done["intent"].as_str());
        if let (Some(name), Some(intent)) = (&args.name, intent) {
            let intent = Named::Intent {
                conversation: conversation.to_owned(),
                intent: intent.to_owned(),
            };
            self.stage.name(&name.value, intent);
        }
    }

    /// Any verb of the drivers.
    async fn call(&self, seat: &Seat, args: &Args) -> Result<(), Trouble> {
        let mut ask = args.args.as_ref().map_or_else(|| json!({}), |args| args.value.clone());
        self.fill_in(&mut ask)?;
        if args.place.is_some() {
            ask["conversation"] = json!(self.place_for(seat, args).await?);
        }
        if let Some(message) = &args.message {
            let (conversation, reference, _) = self.stage.message(&message.value)?;
            ask["conversation"] = json!(conversation);
            ask["message"] = reference;
        }
        let verb = word(&args.verb);
        let done = refusal(verb, seat.ask(verb, ask, flag(&args.dropped)).await?, error(args))?;
        if let (Some(gives), Some(done)) = (&args.gives, done) {
            let mut wanted = gives.value.clone();
            self.fill_in(&mut wanted)?;
            if !contains(&done, &wanted) {
                return Err(Trouble::Unmet(format!("`{verb}` gave {done}; expected: {wanted}")));
            }
        }
        Ok(())
    }

    /// Puts users' ids in the place of `@name`.
    fn fill_in(&self, value: &mut Value) -> Result<(), Trouble> {
        match value {
            Value::String(text) => {
                if let Some(name) = text.strip_prefix('@') {
                    *text = self.stage.seat(name)?.user()?;
                }
            }
            Value::Array(values) => values.iter_mut().try_for_each(|value| self.fill_in(value))?,
            Value::Object(values) => values.values_mut().try_for_each(|value| self.fill_in(value))?,
            _ => {}
        }
        Ok(())
    }
}

/// Whether `value` has all that `wanted` has; what it has beyond does not matter.
fn contains(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Object(value), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, wanted)| value.get(key).is_some_and(|value| contains(value, wanted))),
        (Value::Array(value), Value::Array(wanted)) => {
            value.len() == wanted.len() && value.iter().zip(wanted).all(|(value, wanted)| contains(value, wanted))
        }
        (value, wanted) => value == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_have_more_than_was_expected_and_not_less() {
        let value = json!({ "a": [{ "b": 1, "c": 2 }], "d": null });
        assert!(contains(&value, &json!({ "a": [{ "c": 2 }] })));
        assert!(contains(&value, &json!({ "d": null })));
        assert!(!contains(&value, &json!({ "a": [] })));
        assert!(!contains(&value, &json!({ "e": 1 })));
        assert!(!contains(&value, &json!({ "a": [{ "c": 3 }] })));
    }

    #[test]
    fn a_refusal_that_was_not_expected_and_one_that_did_not_come_are_told() {
        let refused = || Answer::Refused("locked".to_owned());
        assert!(refusal("v", refused(), Some("locked")).is_ok());
        assert!(refusal("v", refused(), None).is_err());
        assert!(refusal("v", refused(), Some("closed")).is_err());
        assert!(refusal("v", Answer::Ok(Value::Null), Some("locked")).is_err());
        assert!(refusal("v", Answer::Ok(Value::Null), None).is_ok());
    }
}
