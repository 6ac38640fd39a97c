//! What a store no longer holds, decrypted row by row: deleted messages, and on a shared phone what is another profile's.

use curo_kit::Person;
use curo_store::Profiles;

use super::Checks;
use super::inside::{self, Device};
use super::removal::contains;
use crate::error::PlayError;
use crate::ledger::{Ledger, PersonNo};
use crate::stage::Stage;

/// Everyone is closed.
pub(super) async fn prove(stage: &Stage, ledger: &Ledger, checks: &mut Checks<'_, '_>) -> Result<(), PlayError> {
    let mut told = false;
    for no in ledger.people().filter(|no| ledger.has_profile(*no)) {
        let deleted: Vec<_> = texts(ledger, |text| ledger.knows_deleted(no, text)).collect();
        let shared = ledger.users_of(ledger.phone(no)).len() > 1;
        if deleted.is_empty() && !shared {
            continue;
        }
        told = true;
        let values = inside::all_values(&Device::of(stage.person(no)?)).await?;
        let there = |texts: &[&str]| texts.iter().filter(|text| contains(&values, text.as_bytes())).count();
        let own: Vec<_> = ledger.all_on_device(no).collect();
        let (name, found, wanted) = (ledger.name(no), there(&own), own.len());
        if !deleted.is_empty() {
            let count = deleted.len();
            let what =
                format!("{name}'s decrypted store holds {found} of {wanted} texts and none of the {count} deleted");
            checks.check(found == wanted && there(&deleted) == 0, &what)?;
        }
        if shared {
            let foreign: Vec<_> = texts(ledger, |text| !ledger.has(no, text)).collect();
            let count = foreign.len();
            let what = format!(
                "{name}'s profile on the shared phone holds {found} of {wanted} own texts and none of {count} others"
            );
            checks.check(found == wanted && there(&foreign) == 0, &what)?;
        }
    }
    let phones = ledger
        .people()
        .filter(|no| ledger.phone(*no) == *no && ledger.users_of(*no).len() > 1);
    for phone in phones {
        told = true;
        profiles(stage, ledger, phone, checks)?;
    }
    if !told {
        checks
            .out
            .line("    ", "nothing was deleted, and nobody shared a phone")?;
    }
    Ok(())
}

/// Folders and keys of a shared phone are those of the people whose profiles are on it, and of nobody else.
fn profiles(stage: &Stage, ledger: &Ledger, phone: PersonNo, checks: &mut Checks<'_, '_>) -> Result<(), PlayError> {
    let users = ledger.users_of(phone);
    let owners = users.iter().filter(|user| ledger.has_profile(**user));
    let mut wanted: Vec<_> = owners
        .map(|user| stage.person(*user).map(|person: &Person| person.client().profile()))
        .collect::<Result<_, _>>()?;
    wanted.sort_unstable();
    let dir = stage.phone(phone)?;
    let mut folders = Profiles::list(&dir.join("profiles")).map_err(|error| PlayError::Proof(error.to_string()))?;
    folders.sort_unstable();
    let keys = std::fs::read_dir(dir.join("keys"))?.count();
    let what = format!(
        "{}'s phone has files and keys of {} profile(s), and {} people have used it",
        ledger.name(phone),
        folders.len(),
        users
            .iter()
            .filter(|user| ledger.at(**user) != crate::ledger::At::Before)
            .count()
    );
    checks.check(folders == wanted && keys == wanted.len(), &what)
}

fn texts(ledger: &Ledger, wanted: impl Fn(usize) -> bool) -> impl Iterator<Item = &str> {
    let texts = ledger.texts.iter().enumerate();
    texts
        .filter(move |(no, _)| wanted(*no))
        .map(|(_, text)| text.text.as_str())
}
