//! The profiles of an installation: who they belong to, and their end.

use std::path::PathBuf;
use std::sync::Arc;

use curo::{DeviceId, ProfileId, TenantId, UserId};

use crate::convert::all;
use crate::error::{CuroError, Result};
use crate::runtime;
use crate::vault::{AppVault, KeyVault};

/// Who a profile belongs to.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Account {
    /// The tenant.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
    /// This device.
    pub device: DeviceId,
}

/// A profile of this installation.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct ProfileEntry {
    /// Its id.
    pub profile: ProfileId,
    /// Whose it is.
    pub owner: ProfileOwner,
}

/// Whose a profile is.
#[derive(Clone, PartialEq, Eq, uniffi::Enum)]
pub enum ProfileOwner {
    /// A person's.
    Person {
        /// Who.
        account: Account,
        /// What the app has called it.
        label: Option<String>,
    },
    /// Nobody has signed in yet.
    Nobody,
    /// The vault does not say now.
    Hidden {
        /// Why, as an error code.
        code: String,
    },
    /// Its key is gone: nothing can be read any more. Erase it.
    Lost,
    /// Something of a later version.
    Other,
}

/// The profiles below a folder, whether they are open or not. Asks the vault for their keys and opens no store.
#[uniffi::export]
pub async fn accounts(root: String, vault: Arc<dyn KeyVault>) -> Result<Vec<ProfileEntry>> {
    runtime::read(async move {
        let vault = Lent(AppVault::new(vault).await);
        let root = PathBuf::from(root);
        let entries = curo::Client::accounts(&root, &vault.0).await?;
        Ok::<_, CuroError>(all(entries))
    })
    .await
}

/// The profile for which a push with this token is meant; none if there is none here.
#[uniffi::export]
pub async fn profile_of_push(root: String, vault: Arc<dyn KeyVault>, token: String) -> Result<Option<ProfileId>> {
    runtime::read(async move {
        let vault = Lent(AppVault::new(vault).await);
        let root = PathBuf::from(root);
        curo::Client::profile_of_push(&root, &vault.0, &token).await
    })
    .await
}

/// Destroys a profile that is not open: one whose key is gone, or whose erase was interrupted. Harmless to repeat. Fails with
/// busy while it is open somewhere.
#[uniffi::export]
pub async fn erase_profile(root: String, profile: ProfileId, vault: Arc<dyn KeyVault>) -> Result<()> {
    runtime::change(async move {
        let vault = Lent(AppVault::new(vault).await);
        let root = PathBuf::from(root);
        curo::Client::erase_profile(&root, profile, &vault.0).await
    })
    .await
}

/// A vault for one call: let go of when that ends, however it does.
struct Lent(AppVault);

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl From<curo::Account> for Account {
    fn from(account: curo::Account) -> Self {
        let curo::Account { tenant, user, device } = account;
        Self { tenant, user, device }
    }
}

impl From<curo::ProfileEntry> for ProfileEntry {
    fn from(entry: curo::ProfileEntry) -> Self {
        Self {
            profile: entry.profile,
            owner: entry.owner.into(),
        }
    }
}

impl From<curo::ProfileOwner> for ProfileOwner {
    fn from(owner: curo::ProfileOwner) -> Self {
        match owner {
            curo::ProfileOwner::Account { account, label } => Self::Person {
                account: account.into(),
                label: label.map(curo::Text::into_string),
            },
            curo::ProfileOwner::Nobody => Self::Nobody,
            curo::ProfileOwner::Hidden { code } => Self::Hidden {
                code: code.as_str().to_owned(),
            },
            curo::ProfileOwner::Lost => Self::Lost,
            _ => Self::Other,
        }
    }
}
