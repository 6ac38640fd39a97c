//! Plays one scenario in one mix of platforms, step by step, and keeps what the report shows.

mod act;
mod alike;
mod expect;
mod messages;
mod read;
mod world;

use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use serde_json::json;

use crate::assign::Mix;
use crate::driver::{Answer, Launch};
use crate::scenario::{Scenario, Spanned, Step};
use crate::stage::{Seat, Stage, Trouble};

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every step did what it should.
    Passed,
    /// One did not; why.
    Failed(String),
    /// This machine or a driver cannot play it; why.
    Skipped(String),
}

/// One step that was played.
#[derive(Clone, Debug)]
pub struct Event {
    /// When it began and ended, from the play's beginning.
    pub from: Duration,
    /// See [`Event::from`].
    pub to: Duration,
    /// Its line in the file.
    pub line: u64,
    /// As it stands in the file.
    pub text: String,
    /// What it did not do.
    pub trouble: Option<String>,
}

/// What one side saw when a play failed.
#[derive(Clone, Debug)]
pub struct View {
    /// The actor.
    pub who: String,
    /// Their platform.
    pub platform: String,
    /// State and conversations, as text.
    pub text: String,
    /// What their process was asked, has answered and logged.
    pub log: String,
}

/// A play that is over.
#[derive(Clone, Debug)]
pub struct Played {
    /// The scenario's name.
    pub scenario: String,
    /// The scenario's title.
    pub title: String,
    /// Who played on what.
    pub mix: Mix,
    /// The actors, as many as platforms in the mix.
    pub actors: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// What was played.
    pub events: Vec<Event>,
    /// Of a failed play: each side's view.
    pub views: Vec<View>,
    /// Of a failed play: what the relay has logged.
    pub relay_log: String,
}

struct Player<'p> {
    scenario: &'p Scenario,
    stage: Stage,
    began: Instant,
    events: std::sync::Mutex<Vec<Event>>,
}

/// Plays it with all files below `dir`, which is its own.
pub async fn play(scenario: &Scenario, mix: &Mix, relay: &Path, drivers: &[Launch], dir: &Path) -> Played {
    let began = Instant::now();
    let mut played = Played {
        scenario: scenario.name.clone(),
        title: scenario.title.clone(),
        mix: mix.clone(),
        actors: scenario.actors().map(str::to_owned).collect(),
        outcome: Outcome::Passed,
        took: Duration::ZERO,
        events: Vec::new(),
        views: Vec::new(),
        relay_log: String::new(),
    };
    match Stage::set(scenario, mix, relay, drivers, dir).await {
        Err(trouble) => played.outcome = outcome(&trouble, None),
        Ok(stage) => {
            let player = Player {
                scenario,
                stage,
                began,
                events: std::sync::Mutex::default(),
            };
            let ended = player.steps(&scenario.steps).await;
            if let Err((trouble, line)) = &ended {
                played.outcome = outcome(trouble, Some(*line));
            }
            if matches!(played.outcome, Outcome::Failed(_)) {
                played.views = player.views().await;
                played.relay_log = player.stage.relay_log.text();
            }
            for seat in player.stage.seats() {
                // They end with the stage at the latest.
                let _ = seat.kill().await;
            }
            let _ = player.stage.relay.kill().await;
            played.events = player
                .events
                .into_inner()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }
    played.outcome = judged(played.outcome, scenario.fails.as_deref());
    played.took = began.elapsed();
    played
}

/// Of a scenario that must fail, the right failure is the only pass.
fn judged(outcome: Outcome, fails: Option<&str>) -> Outcome {
    match (outcome, fails) {
        (outcome, None) | (outcome @ Outcome::Skipped(_), _) => outcome,
        (Outcome::Failed(reason), Some(words)) if reason.contains(words) => Outcome::Passed,
        (Outcome::Failed(reason), Some(words)) => {
            Outcome::Failed(format!("it was to fail with {words:?}, and failed otherwise: {reason}"))
        }
        (Outcome::Passed, Some(words)) => Outcome::Failed(format!("it was to fail with {words:?}, and passed")),
    }
}

fn outcome(trouble: &Trouble, line: Option<u64>) -> Outcome {
    let at = line.map_or_else(String::new, |line| format!("line {line}: "));
    match trouble {
        Trouble::Unmet(reason) => Outcome::Failed(format!("{at}{reason}")),
        Trouble::Broken(broken) => Outcome::Failed(format!("{at}the play broke: {broken}")),
        Trouble::Cannot(reason) => Outcome::Skipped(reason.clone()),
    }
}

impl Player<'_> {
    /// One after the other, to the first that does not do what it should.
    async fn steps(&self, steps: &[Spanned<Step>]) -> Result<(), (Trouble, u64)> {
        for step in steps {
            self.timed(step).await?;
        }
        Ok(())
    }

    fn timed<'s>(&'s self, step: &'s Spanned<Step>) -> BoxFuture<'s, Result<(), (Trouble, u64)>> {
        async move {
            if let Step::Parallel(steps) = &step.value {
                let ended = join_all(steps.iter().map(|step| self.timed(step))).await;
                return ended.into_iter().collect();
            }
            let line = step.referenced.line();
            let from = self.began.elapsed();
            let done = self.step(&step.value).await;
            let trouble = done.as_ref().err().map(|trouble| match trouble {
                Trouble::Unmet(reason) | Trouble::Cannot(reason) => reason.clone(),
                Trouble::Broken(broken) => broken.to_string(),
            });
            let event = Event {
                from,
                to: self.began.elapsed(),
                line,
                text: self.scenario.line(line).trim_start_matches("- ").to_owned(),
                trouble,
            };
            self.events
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .push(event);
            done.map_err(|trouble| (trouble, line))
        }
        .boxed()
    }

    async fn step(&self, step: &Step) -> Result<(), Trouble> {
        match step {
            Step::Names(verb, names) => {
                let names: Vec<_> = names.value.iter().map(|name| name.value.as_str()).collect();
                self.names(&verb.value, &names).await
            }
            Step::Relay(word) => self.relay(&word.value).await,
            Step::Act(verb, args) => match verb.value.as_str() {
                "launch" | "go_online" | "network" | "tokens" | "vault" | "key" | "clock" | "disk" | "phone"
                | "profiles" | "sign_out" | "background" | "push" | "approve" | "revoke" => {
                    self.around(&verb.value, args).await
                }
                "expect" => self.expect(args).await,
                "agree" => self.agree(args).await,
                "screen" => self.screen(args).await,
                "search" => self.search(args).await,
                "pages" => self.pages(args).await,
                verb => self.act(verb, args).await,
            },
            Step::Say(_) | Step::Parallel(_) | Step::Unknown(_) | Step::Two(_) => Ok(()),
        }
    }

    /// Looks until `look` finds nothing unmet, at most so long.
    async fn until<F>(&self, within_s: Option<u64>, mut look: impl FnMut() -> F) -> Result<(), Trouble>
    where
        F: Future<Output = Result<(), Trouble>>,
    {
        let within = Duration::from_secs(within_s.unwrap_or(self.scenario.within_s));
        let until = Instant::now() + within;
        let mut pause = Duration::from_millis(10);
        loop {
            match look().await {
                Err(Trouble::Unmet(reason)) if Instant::now() >= until => {
                    return Err(Trouble::Unmet(format!("not within {} s: {reason}", within.as_secs())));
                }
                Err(Trouble::Unmet(_)) => {}
                settled => return settled,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(Duration::from_millis(200));
        }
    }

    /// What each running app shows now, for the report. Whatever goes wrong here is shown, too.
    async fn views(&self) -> Vec<View> {
        let mut views = Vec::new();
        for seat in self.stage.seats() {
            let look = tokio::time::timeout(Duration::from_secs(10), self.view(&seat.actor.name));
            let text = look.await.unwrap_or_else(|_| "it does not answer".to_owned());
            views.push(View {
                who: seat.actor.name.clone(),
                platform: seat.launch.platform.clone(),
                text,
                log: seat.log.text(),
            });
        }
        views
    }

    async fn view(&self, who: &str) -> String {
        let Ok(seat) = self.stage.seat(who) else {
            return String::new();
        };
        if seat.driver().await.is_none() {
            return "the app does not run".to_owned();
        }
        let mut text = String::new();
        self.tell(seat, &["session", "connection", "outbox"], &mut text).await;
        for (name, id) in self.stage.conversations() {
            text.push_str(&format!("\n[{name}]\n"));
            match self.latest(seat, &id).await {
                Ok(items) => items.iter().for_each(|item| text.push_str(&self.shown(item))),
                Err(Trouble::Unmet(reason)) => text.push_str(&format!("{reason}\n")),
                Err(_) => text.push_str("no answer\n"),
            }
        }
        text.push('\n');
        self.tell(seat, &["diagnostics"], &mut text).await;
        text
    }

    async fn tell(&self, seat: &Seat, verbs: &[&str], text: &mut String) {
        for verb in verbs {
            let shown = match seat.ask(verb, json!({}), false).await {
                Ok(Answer::Ok(serde_json::Value::String(lines))) => format!("\n{lines}"),
                Ok(Answer::Ok(value)) => value.to_string(),
                Ok(Answer::Refused(code)) => code,
                Ok(Answer::Dropped) => String::new(),
                Err(_) => "no answer".to_owned(),
            };
            text.push_str(&format!("{verb}: {shown}\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_fail_passes_only_with_the_right_reason() {
        let failed = || Outcome::Failed("line 7: not within 1 s".to_owned());
        assert_eq!(judged(failed(), Some("line 7")), Outcome::Passed);
        assert!(matches!(judged(failed(), Some("line 8")), Outcome::Failed(_)));
        assert!(matches!(judged(Outcome::Passed, Some("line 7")), Outcome::Failed(_)));
        assert_eq!(judged(failed(), None), failed());
        assert_eq!(judged(Outcome::Passed, None), Outcome::Passed);
    }
}
