//! What a play needs before its first step: a relay, and for each actor files, tokens and a way to the relay.

mod clock;
mod disk;
mod log;
mod phone;
mod seat;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

pub(crate) use clock::WallClock;
pub(crate) use disk::Disk;
pub(crate) use log::Log;
pub(crate) use seat::Seat;

use crate::assign::Mix;
use crate::driver::Launch;
use crate::error::Broken;
use crate::relay::RelayProcess;
use crate::scenario::Scenario;

/// Why a step did not do what it should.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// What was expected does not hold.
    Unmet(String),
    /// The play cannot go on, and not by the product's fault.
    Broken(Broken),
    /// This machine cannot play it.
    Cannot(String),
}

impl<E: Into<Broken>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Broken(error.into())
    }
}

/// What a scenario has given a name.
#[derive(Clone, Debug)]
pub(crate) enum Named {
    Conversation(String),
    Message {
        conversation: String,
        device: String,
        message: String,
        /// How it was sent, to be sent again.
        sent: Value,
    },
    Intent {
        conversation: String,
        intent: String,
    },
}

/// One play's world.
pub(crate) struct Stage {
    pub(crate) relay: RelayProcess,
    pub(crate) relay_log: Arc<Log>,
    seats: BTreeMap<String, Seat>,
    named: Mutex<BTreeMap<String, Named>>,
}

impl Stage {
    /// Below `dir`, which is the play's own.
    pub(crate) async fn set(
        scenario: &Scenario,
        mix: &Mix,
        relay: &Path,
        drivers: &[Launch],
        dir: &Path,
    ) -> Result<Self, Trouble> {
        let relay_log = Arc::new(Log::default());
        let relay = RelayProcess::start(relay, &dir.join("relay"), &scenario.relay, Arc::clone(&relay_log)).await?;
        let hosts = scenario.hosts();
        let mut seats = BTreeMap::new();
        for ((actor, host), platform) in scenario.actors.iter().zip(&hosts).zip(&mix.0) {
            let launch = drivers.iter().find(|launch| launch.platform == *platform);
            let launch = launch.ok_or_else(|| Broken::new(format!("there is no {platform} driver")))?;
            let phone = scenario
                .actors
                .get(*host)
                .map_or(actor.name.as_str(), |host| host.name.as_str());
            let seat = Seat::new(
                actor,
                launch,
                &dir.join(phone),
                &dir.join("tokens").join(&actor.name),
                &relay,
            )
            .await?;
            seats.insert(actor.name.clone(), seat);
        }
        Ok(Self {
            relay,
            relay_log,
            seats,
            named: Mutex::default(),
        })
    }

    pub(crate) fn seats(&self) -> impl Iterator<Item = &Seat> {
        self.seats.values()
    }

    /// Of an actor; the check of the file has seen to it that there is one.
    pub(crate) fn seat(&self, name: &str) -> Result<&Seat, Trouble> {
        let seat = self.seats.get(name);
        seat.ok_or_else(|| Broken::new(format!("nobody is called {name}")).into())
    }

    fn named(&self) -> MutexGuard<'_, BTreeMap<String, Named>> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn name(&self, name: &str, what: Named) {
        self.named().insert(name.to_owned(), what);
    }

    /// Every conversation that has a name.
    pub(crate) fn conversations(&self) -> Vec<(String, String)> {
        let named = self.named();
        let conversations = named.iter().filter_map(|(name, what)| match what {
            Named::Conversation(id) => Some((name.clone(), id.clone())),
            _ => None,
        });
        conversations.collect()
    }

    /// The scenario's name of a message, or its id.
    pub(crate) fn message_name(&self, id: &str) -> String {
        let named = self.named();
        let found = named
            .iter()
            .find(|(_, what)| matches!(what, Named::Message { message, .. } if message == id));
        found.map_or_else(|| id.to_owned(), |(name, _)| name.clone())
    }

    pub(crate) fn conversation(&self, name: &str) -> Result<String, Trouble> {
        match self.named().get(name) {
            Some(Named::Conversation(id)) => Ok(id.clone()),
            _ => Err(unnamed(name)),
        }
    }

    /// Conversation, reference and how it was sent.
    pub(crate) fn message(&self, name: &str) -> Result<(String, Value, Value), Trouble> {
        match self.named().get(name) {
            Some(Named::Message {
                conversation,
                device,
                message,
                sent,
            }) => Ok((
                conversation.clone(),
                json!({ "device": device, "message": message }),
                sent.clone(),
            )),
            _ => Err(unnamed(name)),
        }
    }

    /// Conversation and intent.
    pub(crate) fn intent(&self, name: &str) -> Result<(String, String), Trouble> {
        match self.named().get(name) {
            Some(Named::Intent { conversation, intent }) => Ok((conversation.clone(), intent.clone())),
            _ => Err(unnamed(name)),
        }
    }

    /// The user ids of actors.
    pub(crate) fn users<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<Vec<String>, Trouble> {
        names.into_iter().map(|name| self.seat(name)?.user()).collect()
    }

    /// What an actor calls a user.
    pub(crate) fn user_name(&self, user: &str) -> String {
        let found = self.seats().find(|seat| seat.user().is_ok_and(|own| own == user));
        found.map_or_else(|| user.to_owned(), |seat| seat.actor.person.clone())
    }
}

fn unnamed(name: &str) -> Trouble {
    Trouble::Broken(Broken::new(format!("nothing is called {name} yet")))
}
