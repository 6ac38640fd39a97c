//! A run: chosen scenarios in all their mixes, as many at once as there are cores, told as they end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::assign::{Extent, Mix, mixes};
use crate::driver::{Driver, Launch};
use crate::error::Broken;
use crate::guard;
use crate::play::{Outcome, Played, play};
use crate::scenario::{Scenario, Wrong};
use crate::stage::Log;

/// What to play, and with what.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The relay's program.
    pub relay: PathBuf,
    /// How each platform's driver is started; their order is the platforms' order.
    pub drivers: Vec<Launch>,
    /// Only scenarios whose name contains one of these; all, where there is none.
    pub names: Vec<String>,
    /// Every mix of platforms.
    pub full: bool,
    /// How many plays run at once.
    pub jobs: usize,
    /// Whether what cannot be played is a failure.
    pub strict: bool,
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

/// What the driver of each platform can do beyond what every driver can. One that does not even say hello can do nothing; a play
/// says why.
async fn abilities(drivers: &[Launch]) -> BTreeMap<String, BTreeSet<String>> {
    let mut able = BTreeMap::new();
    for launch in drivers {
        if let Ok(driver) = Driver::start(launch, Arc::new(Log::default())).await {
            able.insert(launch.platform.clone(), driver.can().clone());
            // It has done nothing that would have to be ended well.
            let _ = driver.end().await;
        }
    }
    able
}

/// The platforms on which a scenario is played: those whose drivers can do what it needs. Where there are none it is played
/// on all, and the play says what is missing.
fn platforms(needs: &[String], drivers: &[Launch], able: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let can = |launch: &&Launch| {
        let able = able.get(&launch.platform);
        needs.iter().all(|need| able.is_some_and(|able| able.contains(need)))
    };
    let able: Vec<_> = drivers.iter().filter(can).collect();
    let chosen = if able.is_empty() {
        drivers.iter().collect()
    } else {
        able
    };
    chosen.into_iter().map(|launch| launch.platform.clone()).collect()
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
    let able = if scenarios
        .iter()
        .filter(named)
        .any(|scenario| !scenario.needs.is_empty())
    {
        abilities(&choice.drivers).await
    } else {
        BTreeMap::new()
    };
    let mut jobs = Vec::new();
    for scenario in scenarios.iter().filter(named) {
        let platforms = platforms(&scenario.needs, &choice.drivers, &able);
        let shared = Arc::new(scenario.clone());
        let extent = match (choice.full, scenario.slow) {
            (true, _) => Extent::Full,
            (false, true) => Extent::Roles,
            (false, false) => Extent::Pairs,
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
        return Err(Broken::new(format!(
            "no scenario is called {}",
            choice.names.join(" or ")
        )));
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
                    let _watched = guard::watch(guard::Kind::Folder, dir.path().display());
                    let played = play(&job.scenario, &job.mix, &choice.relay, &choice.drivers, dir.path()).await;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_played_where_its_needs_are_met() {
        let drivers = ["rust", "kotlin", "swift"].map(|platform| Launch {
            platform: platform.to_owned(),
            command: Vec::new(),
        });
        let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
        // Kotlin's driver has not even started.
        let able = BTreeMap::from([("rust".to_owned(), set(&["clock"])), ("swift".to_owned(), set(&[]))]);
        let on = |needs: &[&str]| {
            let needs: Vec<_> = needs.iter().map(|need| (*need).to_owned()).collect();
            platforms(&needs, &drivers, &able).join(" ")
        };
        assert_eq!(on(&["clock"]), "rust");
        assert_eq!(on(&[]), "rust kotlin swift");
        assert_eq!(on(&["wings"]), "rust kotlin swift");
    }
}
