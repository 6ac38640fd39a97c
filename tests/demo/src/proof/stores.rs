//! Encryption at rest: no page of a database has the look of plain data, and a wrong key opens nothing.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use curo::{AccessToken, Client, ErrorCode, KeyVault, NoToken, TokenProvider, TokenReason};
use curo_kit::KitError;
use curo_relay::{DatabaseKey, StartError};
use curo_store::{StoreKey, VaultError};
use curo_types::ProfileId;

use super::Checks;
use crate::error::PlayError;
use crate::ledger::Ledger;
use crate::stage::Stage;

const PAGE: usize = 4096;
/// Bits of entropy a byte. A random page of 4 KiB has about 7.95, text and tables far below 7.
const RANDOM: f64 = 7.8;

/// Everyone is closed and the relay is stopped.
pub(super) async fn prove(stage: &mut Stage, ledger: &Ledger, checks: &mut Checks<'_, '_>) -> Result<(), PlayError> {
    let plain = page_of_plain_text();
    let what = format!(
        "a page of plain text is told from an encrypted one ({:.2} bits a byte)",
        entropy(&plain)
    );
    checks.check(entropy(&plain) < RANDOM, &what)?;

    let mut databases = vec![("the relay's".to_owned(), stage.relay.data_dir().join("relay.db"))];
    let owners: Vec<_> = ledger.people().filter(|no| ledger.has_profile(*no)).collect();
    for no in owners.iter().copied() {
        databases.push((format!("{}'s", ledger.name(no)), stage.person(no)?.database()));
    }
    for (whose, path) in databases {
        let (pages, least) = pages(&path)?;
        let what =
            format!("{whose} database: {pages} pages after the first, all as random ({least:.2} bits a byte at least)");
        checks.check(pages > 0 && least >= RANDOM, &what)?;
    }
    for no in owners {
        let person = stage.person_mut(no)?;
        let tokens = Arc::new(NoTokens);
        let vault = Arc::new(WrongKey);
        let opened = Client::open(person.options().clone(), vault, tokens).await;
        let code = opened.err().map(|error| error.code().clone());
        let again = person.open().await.is_ok();
        person.close().await?;
        let what = format!(
            "a wrong key does not open {}'s store, the right one still does",
            ledger.name(no)
        );
        checks.check(code == Some(ErrorCode::STORE_UNREADABLE) && again, &what)?;
    }
    let wrong = DatabaseKey::new([0x5a; 32], [0xa5; 16]);
    let started = stage.relay.start_with_key(wrong).await;
    let refused = matches!(started, Err(KitError::Relay(StartError::Database(_))));
    let again = stage.relay.start_again().await.is_ok();
    stage.relay.stop().await;
    checks.check(
        refused && again,
        "a wrong key does not open the relay's database, the right one still does",
    )
}

struct NoTokens;

#[async_trait]
impl TokenProvider for NoTokens {
    async fn token(&self, _: TokenReason) -> Result<AccessToken, NoToken> {
        Err(NoToken)
    }
}

struct WrongKey;

#[async_trait]
impl KeyVault for WrongKey {
    async fn load(&self, _: &ProfileId) -> Result<StoreKey, VaultError> {
        StoreKey::generate().map_err(|_| VaultError::NotReady)
    }

    async fn create(&self, profile: &ProfileId) -> Result<StoreKey, VaultError> {
        self.load(profile).await
    }

    async fn destroy(&self, _: &ProfileId) -> Result<(), VaultError> {
        Ok(())
    }
}

/// Number of whole pages after the first, and the least entropy among them.
fn pages(path: &Path) -> std::io::Result<(usize, f64)> {
    let bytes = std::fs::read(path)?;
    let mut least = f64::INFINITY;
    let mut count = 0;
    for page in bytes.chunks_exact(PAGE).skip(1) {
        count += 1;
        least = least.min(entropy(page));
    }
    Ok((count, least))
}

/// Shannon's entropy in bits a byte.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let all = bytes.len() as f64;
    let share = |count: &u32| f64::from(*count) / all;
    -counts
        .iter()
        .filter(|count| **count > 0)
        .map(share)
        .map(|share| share * share.log2())
        .sum::<f64>()
}

fn page_of_plain_text() -> Vec<u8> {
    crate::CARE_TEAM.bytes().cycle().take(PAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_tells_text_from_uniform_bytes() {
        assert!(entropy(&page_of_plain_text()) < 6.0);
        let uniform: Vec<u8> = (0..=255).cycle().take(PAGE).collect();
        assert!(entropy(&uniform) > 7.99);
        assert!(entropy(&[0; PAGE]) < 0.01);
    }
}
