//! A run: chosen scenarios in all their mixes, as many at once as there are cores, told as they end.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::assign::{Extent, Mix, mixes};
use crate::driver::Launch;
use crate::error::Broken;
use crate::guard;
use crate::play::{Outcome, Played, play};
use crate::scenario::{Scenario, Wrong};

/// What to play, and with what.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The relay's program.
    pub relay: PathBuf,
    /// How each platform's driver is started; their order is the platforms' order.
    pub drivers: Vec<Launch>,
    /// Only scenarios whose name contains one of these; all, where there is none.
    pub names: Vec<String>,
    /// How many of the mixes of platforms.
    pub mixes: Mixes,
    /// How many plays run at once.
    pub jobs: usize,
    /// Whether what cannot be played is a failure.
    pub strict: bool,
}

/// How many of the mixes of platforms are played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mixes {
    /// Each platform takes each role of each scenario; over all scenarios each platform meets each other. Of one that takes
    /// minutes a single mix.
    Few,
    /// Each platform meets each other in each role of each scenario; of one that takes minutes each platform only takes each role.
    #[default]
    Pairs,
    /// Every mix.
    Full,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Every play, in the order of scenarios and mixes.
    pub plays: Vec<Played>,
    /// How long all of it took.
    pub took: Duration,
    /// Whether what could not be played is a failure.
    pub strict: bool,
}

impl Summary {
    /// How many plays ended so.
    pub fn count(&self, wanted: impl Fn(&Outcome) -> bool) -> usize {
        self.plays.iter().filter(|play| wanted(&play.outcome)).count()
    }

    /// Whether every play passed, or may be skipped, and at least one passed.
    pub fn holds(&self) -> bool {
        let failed = self.count(|outcome| matches!(outcome, Outcome::Failed(_)));
        let skipped = self.count(|outcome| matches!(outcome, Outcome::Skipped(_)));
        let passed = self.count(|outcome| *outcome == Outcome::Passed);
        failed == 0 && passed > 0 && !(self.strict && skipped > 0)
    }
}

/// Reads every scenario of a folder, by name.
///
/// # Errors
/// Everything that is wrong with any of them; a folder or file that cannot be read.
pub fn load(dir: &Path) -> Result<Vec<Scenario>, Vec<Wrong>> {
    let unreadable = |file: &Path, error: std::io::Error| Wrong {
        file: file.display().to_string(),
        line: 0,
        column: 0,
        reason: error.to_string(),
    };
    let entries = std::fs::read_dir(dir).map_err(|error| vec![unreadable(dir, error)])?;
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let (mut scenarios, mut wrongs) = (Vec::new(), Vec::new());
    for file in files {
        match std::fs::read_to_string(&file) {
            Err(error) => wrongs.push(unreadable(&file, error)),
            Ok(yaml) => match Scenario::parse(&file.display().to_string(), &yaml) {
                Ok(scenario) => scenarios.push(scenario),
                Err(mut wrong) => wrongs.append(&mut wrong),
            },
        }
    }
    if wrongs.is_empty() { Ok(scenarios) } else { Err(wrongs) }
}

struct Job {
    number: usize,
    scenario: Arc<Scenario>,
    mix: Mix,
}

/// Plays them and tells each end through `tell`.
///
/// # Errors
/// [`Broken`] where nothing fits the choice, or there is no room for files.
pub async fn run(
    scenarios: &[Scenario],
    choice: &Choice,
    tell: impl Fn(&Played, usize, usize) + Send + Sync + 'static,
) -> Result<Summary, Broken> {
    let began = Instant::now();
    let named = |scenario: &&Scenario| {
        choice.names.is_empty() || choice.names.iter().any(|name| scenario.name.contains(name.as_str()))
    };
    let platforms: Vec<_> = choice.drivers.iter().map(|launch| launch.platform.clone()).collect();
    let mut jobs = Vec::new();
    for (number, scenario) in scenarios.iter().filter(named).enumerate() {
        let shared = Arc::new(scenario.clone());
        let turned = number % 2 == 1;
        let extent = match (choice.mixes, scenario.slow) {
            (Mixes::Full, _) => Extent::Full,
            (Mixes::Pairs, false) => Extent::Pairs,
            (Mixes::Pairs, true) | (Mixes::Few, false) => Extent::Roles { turned },
            (Mixes::Few, true) => Extent::One { turn: number },
        };
        for mix in mixes(&scenario.hosts(), &platforms, extent) {
            jobs.push(Job {
                number: jobs.len(),
                scenario: Arc::clone(&shared),
                mix,
            });
        }
    }
    if jobs.is_empty() {
        let reason = if scenarios.is_empty() {
            "there is no scenario".to_owned()
        } else {
            format!("no scenario is called {}", choice.names.join(" or "))
        };
        return Err(Broken::new(reason));
    }
    let count = jobs.len();
    // The slow ones first, so that nothing waits for them at the end.
    jobs.sort_by_key(|job| !job.scenario.slow);
    let jobs = VecDeque::from(jobs);
    let (jobs, done) = (Arc::new(Mutex::new(jobs)), Arc::new(Mutex::new(Vec::new())));
    let (choice, tell) = (Arc::new(choice.clone()), Arc::new(tell));
    let workers: Vec<_> = (0..choice.jobs.max(1))
        .map(|_| {
            let (jobs, done, choice, tell) = (jobs.clone(), done.clone(), choice.clone(), tell.clone());
            tokio::spawn(async move {
                loop {
                    let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some(job) = job else { return Ok(()) };
                    let dir = tempfile::Builder::new().prefix("curo-qa-").tempdir()?;
                    let watched = guard::watch(guard::Kind::Folder, dir.path().display());
                    let played = play(&job.scenario, &job.mix, &choice.relay, &choice.drivers, dir.path()).await;
                    // The guard lets go of the folder when it is gone, not before.
                    drop(dir);
                    drop(watched);
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    tell(&played, done.len() + 1, count);
                    done.push((job.number, played));
                }
            })
        })
        .collect();
    for worker in workers {
        let ended: Result<(), std::io::Error> = worker.await.map_err(Broken::any)?;
        ended?;
    }
    let mut plays = std::mem::take(&mut *done.lock().unwrap_or_else(PoisonError::into_inner));
    plays.sort_by_key(|(number, _)| *number);
    Ok(Summary {
        plays: plays.into_iter().map(|(_, played)| played).collect(),
        took: began.elapsed(),
        strict: choice.strict,
    })
}
