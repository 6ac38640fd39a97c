//! What a person does to one message.

use curo_types::MessageId;
use serde_json::{Value, json};

use super::Player;
use super::act::{error, refusal, word};
use crate::driver::Answer;
use crate::scenario::Args;
use crate::stage::{Named, Seat, Trouble};

impl Player<'_> {
    /// Of anybody's message, once it is here.
    pub(super) async fn of_message(&self, verb: &str, seat: &Seat, args: &Args) -> Result<(), Trouble> {
        let name = word(&args.message);
        let (conversation, reference, _) = self.stage.message(name)?;
        if args.error.is_none() {
            let look = json!({ "conversation": conversation, "message": reference });
            self.until(None, || async {
                match seat.ask("message", look.clone(), false).await? {
                    Answer::Ok(found) if !found.is_null() => Ok(()),
                    _ => Err(Trouble::Unmet(format!("{} does not have {name}", seat.actor.name))),
                }
            })
            .await?;
        }
        let mut ask = json!({ "conversation": conversation, "message": reference });
        match verb {
            "edit" => ask["text"] = json!(word(&args.text)),
            "react" | "unreact" => ask["emoji"] = json!(word(&args.emoji)),
            "amend" => {
                let id = MessageId::random().to_string();
                ask = json!({
                    "conversation": conversation,
                    "of": reference,
                    "message": id,
                    "text": word(&args.text),
                });
            }
            _ => {}
        }
        let done = refusal(verb, seat.ask(verb, ask.clone(), false).await?, error(args))?;
        if verb == "amend" {
            let sent = Named::Message {
                conversation,
                device: seat.device()?,
                message: ask["message"].as_str().unwrap_or_default().to_owned(),
                sent: Value::Null,
            };
            self.stage.name(word(&args.name), sent);
        } else {
            self.name_intent(args, &conversation, done.as_ref());
        }
        Ok(())
    }

    /// Of a message that this device has sent.
    pub(super) async fn of_own(&self, verb: &str, seat: &Seat, args: &Args) -> Result<(), Trouble> {
        let (conversation, reference, sent) = self.stage.message(word(&args.message))?;
        let ask = match verb {
            "send_again" => sent,
            _ => json!({ "conversation": conversation, "intent": reference["message"] }),
        };
        let verb = if verb == "send_again" { "send" } else { verb };
        let answer = seat.ask(verb, ask, false).await?;
        if verb == "cancel" {
            // Of what has arrived nothing waits any more, and so nothing is known.
            let cancelled = match answer {
                Answer::Refused(code) if code == "unknown" => false,
                answer => refusal(verb, answer, None)?.is_some_and(|done| done["cancelled"] == true),
            };
            let wanted = word(&args.is) == "cancelled";
            if cancelled != wanted {
                let was = if cancelled {
                    "was cancelled"
                } else {
                    "was too late to be cancelled"
                };
                return Err(Trouble::Unmet(format!("it {was}; expected: {}", word(&args.is))));
            }
            return Ok(());
        }
        refusal(verb, answer, error(args)).map(drop)
    }
}
