//! People, and what this user tells them about themselves.

use super::Client;
use crate::convert::all;
use crate::error::{CuroError, Result};
use crate::person::Person;
use crate::runtime::{change, read};

#[uniffi::export]
impl Client {
    /// Finds people of the tenant by the identity provider's subjects. Asks the relay; who is not known is left out. Fails with
    /// invalid_argument (none, or more than 250), offline and its likes, rate_limited, sign_in_needed, locked.
    pub async fn find_people(&self, subjects: Vec<String>) -> Result<Vec<Person>> {
        let client = self.inner();
        read(async move {
            let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
            client.find_people(&subjects).await.map(all)
        })
        .await
    }

    /// The name that this user tells inside conversations. Not told to the relay.
    pub async fn set_display_name(&self, name: String) -> Result<()> {
        let client = self.inner();
        change(async move { client.set_display_name(name.into()).await }).await
    }

    /// The name that this user tells, if any.
    pub async fn display_name(&self) -> Result<Option<String>> {
        let client = self.inner();
        read(async move {
            let name = client.display_name().await?;
            Ok::<_, CuroError>(name.map(curo::Text::into_string))
        })
        .await
    }

    /// Whether this user tells others what they have read.
    pub async fn sends_read_receipts(&self) -> Result<bool> {
        let client = self.inner();
        read(async move { client.sends_read_receipts().await }).await
    }

    /// Sets whether this user tells others what they have read. Kept in the profile.
    pub async fn send_read_receipts(&self, send: bool) -> Result<()> {
        let client = self.inner();
        change(async move { client.send_read_receipts(send).await }).await
    }
}
