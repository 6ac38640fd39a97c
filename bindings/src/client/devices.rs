//! The devices of this user, and what the profile is called.

use curo::DeviceId;

use super::Client;
use crate::convert::all;
use crate::device::{OwnDevice, WaitingDevice};
use crate::error::Result;
use crate::profile::Account;
use crate::runtime::{change, read};

#[uniffi::export]
impl Client {
    /// All devices of this user. Asks the relay.
    pub async fn devices(&self) -> Result<Vec<OwnDevice>> {
        let client = self.inner();
        read(async move { client.devices().await.map(all) }).await
    }

    /// Revokes a device of this user, a lost phone for example, or refuses one that waits for an approval.
    pub async fn revoke_device(&self, device: DeviceId) -> Result<()> {
        let client = self.inner();
        change(async move { client.revoke_device(device).await }).await
    }

    /// The code that this device shows while it waits for an approval; none otherwise. The approving device shows the same.
    pub async fn approval_code(&self) -> Result<Option<String>> {
        let client = self.inner();
        read(async move { client.approval_code().await }).await
    }

    /// Waits until another device of this user has approved this one, then signs in. Going away loses nothing; it may be called
    /// again at any time. Fails as sign_in does; with device_revoked if another device has refused this one.
    pub async fn wait_for_approval(&self) -> Result<Account> {
        let client = self.inner();
        read(async move { client.wait_for_approval().await.map(Account::from) }).await
    }

    /// The devices of this user that wait for an approval. Asks the relay.
    pub async fn waiting_devices(&self) -> Result<Vec<WaitingDevice>> {
        let client = self.inner();
        read(async move { client.waiting_devices().await.map(all) }).await
    }

    /// Approves a device of this user, once the person has seen the same code on both.
    pub async fn approve_device(&self, device: DeviceId) -> Result<()> {
        let client = self.inner();
        change(async move { client.approve_device(device).await }).await
    }

    /// What the app calls this profile, for a screen that shows several; none for nothing.
    pub async fn set_profile_label(&self, label: Option<String>) -> Result<()> {
        let client = self.inner();
        change(async move { client.set_profile_label(label.map(Into::into)).await }).await
    }
}
