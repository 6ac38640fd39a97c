//! Proofs on the spot, after the play: removal, leaks, encryption at rest. Each proof also shows that it could fail: the
//! same procedure finds what was planted, or succeeds where it should.

mod canary;
mod inside;
mod kept;
mod removal;
mod stores;

use std::collections::BTreeMap;

use curo_types::api::{EntriesPage, EntryRecord};
use curo_types::format::EntryKind;

use crate::error::PlayError;
use crate::ledger::{Ledger, PersonNo, RoomNo};
use crate::logs::Logs;
use crate::output::Output;
use crate::stage::Stage;

/// Shows what was proven and keeps what was not.
pub(crate) struct Checks<'a, 'o> {
    pub(crate) out: &'a mut Output<'o>,
    pub(crate) failures: &'a mut Vec<String>,
}

impl Checks<'_, '_> {
    fn check(&mut self, holds: bool, what: &str) -> Result<(), PlayError> {
        if holds {
            return Ok(self.out.good(what)?);
        }
        self.failures.push(format!("not proven: {what}"));
        Ok(self.out.bad(what)?)
    }
}

/// All proofs. Relay and people are stopped and closed afterwards.
pub(crate) async fn all(
    mut stage: Stage,
    ledger: &Ledger,
    logs: &Logs,
    out: &mut Output<'_>,
    failures: &mut Vec<String>,
) -> Result<(), PlayError> {
    let mut checks = Checks { out, failures };
    checks.out.heading("Proof: who was removed reads nothing more")?;
    let probes = removal::prove(&mut stage, ledger, &mut checks).await?;

    checks
        .out
        .heading("Proof: no text of the script outside the encryption")?;
    let texts: Vec<_> = ledger
        .texts
        .iter()
        .map(|text| text.text.clone())
        .chain(ledger.edits().map(str::to_owned))
        .chain(probes)
        .collect();
    let search = canary::Search::new(&texts)?;
    search.checks_itself(&mut checks)?;
    search.stage("while everything runs", &stage, &mut checks)?;
    for person in stage.signed_in() {
        person.close().await?;
    }
    stage.relay.stop().await;
    search.stage("after everything is closed", &stage, &mut checks)?;
    search.logs(logs, &mut checks)?;

    checks
        .out
        .heading("Proof: what was deleted is gone, and no profile holds what is another's")?;
    kept::prove(&stage, ledger, &mut checks).await?;

    checks.out.heading("Proof: stores are encrypted at rest")?;
    stores::prove(&mut stage, ledger, &mut checks).await
}

/// Messages and commits that the relay holds, as far as any person of the script may see.
pub(crate) async fn count(stage: &Stage, ledger: &Ledger) -> Result<(usize, usize), PlayError> {
    let mut kinds = BTreeMap::new();
    for (no, room) in ledger.rooms.iter().enumerate() {
        for person in &room.ever {
            for entry in log(stage, *person, no, 0).await? {
                kinds.insert((no, entry.seq), entry.kind);
            }
        }
    }
    let commits = kinds.values().filter(|kind| **kind == EntryKind::Commit).count();
    Ok((kinds.len() - commits, commits))
}

/// A conversation's log after a sequence number, as the relay serves it to a person's device.
async fn log(stage: &Stage, person: PersonNo, room: RoomNo, after: u64) -> Result<Vec<EntryRecord>, PlayError> {
    let mut log: Vec<EntryRecord> = Vec::new();
    loop {
        let last = log.last().map_or(after, |entry| entry.seq);
        let answer = stage
            .person(person)?
            .ask(&stage.relay, &entries(stage, room, last)?, None)
            .await?;
        let page: EntriesPage = match answer.answer() {
            Some(page) => page,
            // Who was removed is told so after the last entry.
            None if answer.problem().is_some() => return Ok(log),
            None => return Err(PlayError::Proof("the relay's log cannot be read".to_owned())),
        };
        let tip = page.tip.seq;
        log.extend(page.entries);
        let reached = log.last().map_or(after, |entry| entry.seq);
        if reached >= tip || reached == last {
            return Ok(log);
        }
    }
}

/// The path of a conversation's entries.
fn entries(stage: &Stage, room: RoomNo, after: u64) -> Result<String, PlayError> {
    let id = stage.room_id(room)?;
    Ok(format!("/v1/conversations/{id}/entries?incarnation=1&after={after}"))
}
