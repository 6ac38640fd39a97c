//! Several people on one installation: whose profiles there are, read without opening one, and what an app calls them.
//!
//! A profile's folder tells nothing of its owner. What a list needs stands in its card, which is sealed under a key derived
//! from the store's, so it is there for whoever the vault gives the key to, and for nobody else.

use std::path::Path;

use curo_store::repo::{account, push, sign_in};
use curo_store::{KeyVault, Profiles, StoreError, VaultError, VaultMode};
use curo_types::{DeviceId, ErrorCode, ProfileId, TenantId, Text, UserId};
use serde::{Deserialize, Serialize};

use super::{Account, Client};
use crate::db::Db;
use crate::error::{Error, Fault, Result};
use crate::home::push_text;

/// The longest label, in bytes of UTF-8.
const LABEL_LIMIT: usize = 128;

/// One profile of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileEntry {
    /// The profile, for [`ClientOptions::profile`](crate::ClientOptions::profile).
    pub profile: ProfileId,
    /// Whose it is.
    pub owner: ProfileOwner,
}

/// Whose a profile is, as far as it can be told now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileOwner {
    /// Somebody who has signed in.
    Account {
        /// Who.
        account: Account,
        /// What the app calls the profile ([`Client::set_profile_label`]).
        label: Option<Text>,
    },
    /// Nobody has signed in yet.
    Nobody,
    /// The vault does not say now: `vault_not_ready`, `vault_user_auth_needed`, or `locked` where it opens with the person
    /// only.
    Hidden {
        /// Why.
        code: ErrorCode,
    },
    /// The key is gone, or an erase was interrupted: only [`Client::erase_profile`] helps.
    Lost,
}

/// What a card says. Unknown members are passed over, so that a later release may add some.
#[derive(Serialize, Deserialize)]
struct Card {
    tenant: TenantId,
    user: UserId,
    device: DeviceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    push: Option<String>,
}

impl Client {
    /// Whose profiles there are below `root`, in order of id, without opening or disturbing one: what a shared phone shows
    /// before anybody has signed in. A vault that wants the person's presence is not asked.
    ///
    /// ```no_run
    /// # async fn example(vault: &curo::FileVault) -> curo::Result<()> {
    /// for entry in curo::Client::accounts("/data/curo".as_ref(), vault).await? {
    ///     if let curo::ProfileOwner::Account { account, label } = entry.owner { /* a row of the list */ }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The file system's. What the vault says stands with each profile.
    pub async fn accounts(root: &Path, vault: &dyn KeyVault) -> Result<Vec<ProfileEntry>> {
        let mut entries = Vec::new();
        for profile in Profiles::list(root).map_err(Fault::from)? {
            let owner = owner(root, profile, vault).await?;
            entries.push(ProfileEntry { profile, owner });
        }
        Ok(entries)
    }

    /// Which profile below `root` a push with this token is for; `None` if none is, or none whose vault may be asked now.
    ///
    /// # Errors
    /// The file system's.
    pub async fn profile_of_push(root: &Path, vault: &dyn KeyVault, token: &str) -> Result<Option<ProfileId>> {
        if vault.mode() == VaultMode::UserPresence {
            return Ok(None);
        }
        for profile in Profiles::list(root).map_err(Fault::from)? {
            let Ok(card) = Profiles::card(root, profile, vault).await else {
                continue;
            };
            let card = card.and_then(|card| serde_json::from_slice::<Card>(&card).ok());
            if card.is_some_and(|card| card.push.as_deref() == Some(token)) {
                return Ok(Some(profile));
            }
        }
        Ok(None)
    }

    /// What a list of profiles calls this one: a name that the person's colleagues know, never a patient's. At most 128
    /// bytes; `None` takes it away.
    ///
    /// # Errors
    /// `sign_in_needed` before the first sign-in, `invalid_argument`, `locked`.
    pub async fn set_profile_label(&self, label: Option<Text>) -> Result<()> {
        if label.as_ref().is_some_and(|label| label.len() > LABEL_LIMIT) {
            return Err(Error::new(ErrorCode::INVALID_ARGUMENT));
        }
        let kept = self
            .core
            .db
            .write(move |tx| Ok(sign_in::set_label(tx.conn, label.as_ref().map(Text::as_str))?))
            .await?;
        if !kept {
            return Err(Error::new(ErrorCode::SIGN_IN_NEEDED));
        }
        Ok(write_card(&self.core.db).await?)
    }
}

/// Brings the card up to date with the rows. Called after each change, and at opening for what a kill has kept from it.
pub(super) async fn write_card(db: &Db) -> std::result::Result<(), Fault> {
    let card = db
        .read(|conn| {
            let Some(account) = account::get(conn)? else {
                return Ok(None);
            };
            Ok(Some(Card {
                tenant: account.tenant,
                user: account.user,
                device: account.device,
                label: sign_in::label(conn)?,
                push: push::get(conn)?.map(|push| push_text(&push.token)),
            }))
        })
        .await?;
    let Some(card) = card else { return Ok(()) };
    let bytes = serde_json::to_vec(&card).map_err(|_| Fault::Code(ErrorCode::INVALID_ARGUMENT))?;
    if db.store().card().await?.is_some_and(|held| *held == bytes) {
        return Ok(());
    }
    Ok(db.store().set_card(bytes).await?)
}

async fn owner(root: &Path, profile: ProfileId, vault: &dyn KeyVault) -> Result<ProfileOwner> {
    if vault.mode() == VaultMode::UserPresence {
        return Ok(ProfileOwner::Hidden {
            code: ErrorCode::LOCKED,
        });
    }
    let card = match Profiles::card(root, profile, vault).await {
        Ok(card) => card,
        Err(StoreError::Missing) => None,
        Err(StoreError::Erasing | StoreError::Vault(VaultError::Missing | VaultError::Invalidated)) => {
            return Ok(ProfileOwner::Lost);
        }
        Err(error @ StoreError::Vault(_)) => {
            return Ok(ProfileOwner::Hidden {
                code: Fault::from(error).code(),
            });
        }
        Err(error) => return Err(Fault::from(error).into()),
    };
    let card = card.and_then(|card| serde_json::from_slice::<Card>(&card).ok());
    Ok(card.map_or(ProfileOwner::Nobody, |card| ProfileOwner::Account {
        account: Account {
            tenant: card.tenant,
            user: card.user,
            device: card.device,
        },
        label: card.label.map(Text::from),
    }))
}
