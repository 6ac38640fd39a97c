//! Locking, signing out, and a phone that goes from hand to hand.

use std::time::Duration;

use curo::{ErrorCode, OnUnsent, ProfileOwner, SignOutOutcome};

use super::Player;
use crate::error::PlayError;
use crate::ledger::{At, Ledger};
use crate::script::{HandOver, SignOut, Word};

/// How long a sign-out tries to send what waits.
const SIGN_OUT_WITHIN: Duration = Duration::from_secs(10);
/// The same where the script says that it cannot: there is nothing to wait for.
const CANNOT_SEND: Duration = Duration::from_millis(100);

impl Player<'_, '_> {
    pub(super) async fn lock(&mut self, who: &Word) -> Result<(), PlayError> {
        self.out.step(&format!("{}'s phone locks.", who.value))?;
        let client = self.stage.person(self.no(who))?.client();
        client.lock().await?;
        let refused = [
            client.conversations().await.err(),
            client.search("anything", None, 1).await.err(),
            client.outbox().await.err(),
        ];
        let locked = |error: &Option<curo::Error>| error.as_ref().map(curo::Error::code) == Some(&ErrorCode::LOCKED);
        let text = "the key is gone from memory and the store is closed: every call answers `locked`";
        if refused.iter().all(locked) {
            return Ok(self.out.good(text)?);
        }
        self.fails(who, text)
    }

    pub(super) async fn unlock(&mut self, who: &Word) -> Result<(), PlayError> {
        self.out.step(&format!("{} unlocks the phone.", who.value))?;
        let no = self.no(who);
        let client = self.stage.person(no)?.client();
        client.unlock().await?;
        client.start().await?;
        self.stage.until_connected(no, true).await
    }

    pub(super) async fn sign_out(&mut self, step: &SignOut) -> Result<(), PlayError> {
        let name = &step.who.value;
        self.out.step(&format!("{name} signs out."))?;
        let no = self.no(&step.who);
        let client = self.stage.person(no)?.client().clone();
        let Some(unsent) = &step.unsent else {
            let outcome = client.sign_out(SIGN_OUT_WITHIN, OnUnsent::Keep).await?;
            self.stage.gone(no);
            let left = self.stage.profiles(no).await?.len();
            let out = matches!(outcome, SignOutOutcome::SignedOut { lost } if lost.waiting + lost.failed == 0);
            let text =
                format!("nothing was unsent; {name}'s key and files are erased, profiles left on the phone: {left}");
            if out && left == self.profiles_by_now(no) {
                return Ok(self.out.good(&text)?);
            }
            return self.fails(&step.who, &text);
        };
        let outcome = client.sign_out(CANNOT_SEND, OnUnsent::Keep).await?;
        let SignOutOutcome::Unsent(left) = outcome else {
            return Err(PlayError::Proof("the sign-out erased what was unsent".to_owned()));
        };
        let (count, wanted) = (left.waiting + left.failed, unsent.value as u64);
        let text = format!("{name} is told that {count} would be lost, and stays signed in");
        if count == wanted {
            return Ok(self.out.good(&text)?);
        }
        self.fails(&step.who, &format!("{text} - {wanted} were expected"))
    }

    pub(super) async fn hand_over(&mut self, step: &HandOver, before: &Ledger) -> Result<(), PlayError> {
        let (from, to) = (self.no(&step.from), self.no(&step.to));
        let (giver, taker) = (&step.from.value, &step.to.value);
        self.out.step(&format!("{giver} hands the phone to {taker}."))?;
        if before.at(from) == At::Open {
            self.stage.person(from)?.close().await?;
            self.out.note(&format!(
                "{giver}'s profile is closed; what it holds stays on the phone, encrypted"
            ))?;
        }
        if before.at(to) == At::Before {
            self.stage.sign_in(to).await?;
            self.out
                .note(&format!("{taker} signs in: a profile, a store and keys of their own"))?;
            let person = self.stage.person(to)?;
            let client = person.client();
            let nothing = client.conversations().await?.is_empty() && client.unread().await?.messages == 0;
            let owned = self.owned(to).await?;
            let text = format!("{taker} finds no conversation; profiles on the phone: {owned}");
            if nothing && owned == self.profiles_by_now(to) {
                return Ok(self.out.good(&text)?);
            }
            return self.fails(&step.to, &text);
        }
        let person = self.stage.person_mut(to)?;
        person.cable().restore();
        person.open().await?;
        person.client().start().await?;
        self.out.note(&format!("{taker}'s own profile is opened again"))?;
        self.stage.until_connected(to, true).await
    }

    /// Profiles on a phone that are somebody's.
    async fn owned(&self, no: usize) -> Result<usize, PlayError> {
        let profiles = self.stage.profiles(no).await?;
        let owned = |owner: &ProfileOwner| matches!(owner, ProfileOwner::Account { .. });
        Ok(profiles.iter().filter(|profile| owned(&profile.owner)).count())
    }

    /// How many profiles should be on the phone that somebody uses.
    fn profiles_by_now(&self, no: usize) -> usize {
        let users = self.ledger.users_of(self.ledger.phone(no));
        users.iter().filter(|user| self.ledger.has_profile(**user)).count()
    }
}
