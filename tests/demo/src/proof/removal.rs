//! Who was removed: the relay serves that device no more, its MLS state opens nothing that came later, and its store holds
//! none of it.

use std::collections::BTreeSet;

use curo::{ConversationId, DeliveryState, ErrorCode, MessageId};
use curo_kit::try_until;
use curo_types::api::EntryRecord;
use curo_types::format::EntryKind;

use super::inside::{self, Device};
use super::{Checks, entries, log};
use crate::error::PlayError;
use crate::ledger::{Ledger, PersonNo, RoomNo};
use crate::stage::{Stage, WITHIN};

/// Proves it for everyone who was removed from anywhere. Answers the texts that it sent for that.
pub(super) async fn prove(
    stage: &mut Stage,
    ledger: &Ledger,
    checks: &mut Checks<'_, '_>,
) -> Result<Vec<String>, PlayError> {
    let mut probes = Vec::new();
    for (room_no, room) in ledger.rooms.iter().enumerate() {
        for removed in room.ever.difference(&room.members).copied() {
            let online = |member: &&PersonNo| ledger.is_online(**member);
            let mut members = room.believers.intersection(&room.members).filter(online).copied();
            let Some(speaker) = members.next() else { continue };
            let case = Case {
                room: room_no,
                removed,
                speaker,
                witness: members.next(),
            };
            case.prove(stage, ledger, checks, &mut probes).await?;
        }
    }
    if probes.is_empty() {
        checks.out.line(
            "    ",
            "nobody was removed from a conversation in which somebody is still online",
        )?;
    }
    Ok(probes)
}

struct Case {
    room: RoomNo,
    removed: PersonNo,
    /// Sends one more message.
    speaker: PersonNo,
    /// Another member, whose device can open it: what shows that the procedure works.
    witness: Option<PersonNo>,
}

impl Case {
    async fn prove(
        &self,
        stage: &mut Stage,
        ledger: &Ledger,
        checks: &mut Checks<'_, '_>,
        probes: &mut Vec<String>,
    ) -> Result<(), PlayError> {
        let name = ledger.name(self.removed).to_owned();
        let removal = self.at_the_relay(&name, stage, checks).await?;
        for person in [Some(self.removed), self.witness].into_iter().flatten() {
            stage.person(person)?.close().await?;
        }
        let probe = format!(
            "A message for members only, number {}: {}",
            probes.len() + 1,
            MessageId::random()
        );
        probes.push(probe.clone());
        self.send(stage, &probe).await?;

        let later: Vec<EntryRecord> = log(stage, self.speaker, self.room, removal).await?;
        let later: Vec<_> = later
            .into_iter()
            .filter(|entry| entry.kind == EntryKind::Message)
            .collect();
        let id = stage.room_id(self.room)?;
        if let (Some(witness), Some(last)) = (self.witness, later.last()) {
            let device = Device::of(stage.person(witness)?);
            let opened = inside::decrypt(&device, id, last.body.0.clone()).await?;
            let right = opened.is_ok_and(|plaintext| contains(&plaintext, probe.as_bytes()));
            let member = ledger.name(witness);
            let what = format!("{member}, still a member, opens the newest ciphertext as the relay stores it");
            checks.check(right, &what)?;
        }
        let person = stage.person(self.removed)?;
        let whose = format!("{name}'s device as it is now");
        opens_nothing(&whose, &Device::of(person), id, &later, checks).await?;
        if let Some(copy) = stage.copies.get(&(self.removed, self.room)) {
            let whose = format!("{name}'s device as it was before the removal, keys and all,");
            opens_nothing(&whose, &Device::copy(person, copy), id, &later, checks).await?;
        }
        self.in_the_store(&name, &probe, stage, ledger, checks).await?;
        for person in [Some(self.removed), self.witness].into_iter().flatten() {
            let person = stage.person_mut(person)?;
            person.open().await?;
            person.client().start().await?;
        }
        Ok(())
    }

    /// What the relay serves to the removed device: the log up to its removal, and no more. Answers the removal's number.
    async fn at_the_relay(&self, name: &str, stage: &Stage, checks: &mut Checks<'_, '_>) -> Result<u64, PlayError> {
        let served = log(stage, self.removed, self.room, 0).await?;
        let all = log(stage, self.speaker, self.room, 0).await?;
        let last = served.last().filter(|entry| entry.kind == EntryKind::Commit);
        let removal = last.map(|entry| entry.seq).unwrap_or_default();
        let tip = all.last().map(|entry| entry.seq).unwrap_or_default();
        let path = entries(stage, self.room, removal)?;
        let refused = stage.person(self.removed)?.ask(&stage.relay, &path, None).await?;
        let code = refused.problem().map(|problem| problem.code);
        let what = format!(
            "the relay serves {name}'s device entries up to its removal, number {removal} of {tip}, then answers `removed`"
        );
        checks.check(last.is_some() && code == Some(ErrorCode::REMOVED), &what)?;
        Ok(removal)
    }

    async fn send(&self, stage: &Stage, text: &str) -> Result<(), PlayError> {
        let view = stage.view(self.speaker, self.room)?;
        let id = view.send_text(text.into(), MessageId::random()).await?;
        let accepted = async || {
            let state = view.delivery(id).await;
            matches!(state, Ok(DeliveryState::Sent | DeliveryState::Delivered { .. }))
        };
        let client = stage.person(self.speaker)?.client();
        Ok(try_until(client, "acceptance of one more message", WITHIN, accepted).await?)
    }

    async fn in_the_store(
        &self,
        name: &str,
        probe: &str,
        stage: &Stage,
        ledger: &Ledger,
        checks: &mut Checks<'_, '_>,
    ) -> Result<(), PlayError> {
        let values = inside::all_values(&Device::of(stage.person(self.removed)?)).await?;
        let (mut foreign, mut own) = (vec![probe], Vec::new());
        let texts = ledger
            .texts
            .iter()
            .enumerate()
            .filter(|(_, text)| text.room == self.room);
        for (no, text) in texts {
            match ledger.shown(self.removed, no) {
                Some(shown) if ledger.has(self.removed, no) => own.push(shown),
                _ => foreign.push(text.text.as_str()),
            }
        }
        let there = |texts: &[&str]| texts.iter().filter(|text| contains(&values, text.as_bytes())).count();
        let (found, wanted) = (there(&own), own.len());
        let what = format!(
            "{name}'s decrypted store holds {found} of {wanted} texts from its time and none of the {} others",
            foreign.len()
        );
        checks.check(there(&foreign) == 0 && found == wanted, &what)
    }
}

/// Tries every later ciphertext with a device's MLS state.
async fn opens_nothing(
    whose: &str,
    device: &Device,
    id: ConversationId,
    later: &[EntryRecord],
    checks: &mut Checks<'_, '_>,
) -> Result<(), PlayError> {
    let (mut opened, mut reasons) = (0, BTreeSet::new());
    for entry in later {
        match inside::decrypt(device, id, entry.body.0.clone()).await? {
            Ok(_) => opened += 1,
            Err(reason) => drop(reasons.insert(reason)),
        }
    }
    let why = reasons.into_iter().collect::<Vec<_>>().join("; ");
    let count = later.len();
    let what = format!("{whose} opens none of the {count} ciphertexts after the removal ({why})");
    checks.check(opened == 0 && count > 0, &what)
}

pub(super) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    aho_corasick::AhoCorasick::new([part]).is_ok_and(|search| search.is_match(bytes))
}
