//! The user's own devices: the list of them, and revoking one (design: revocation never needs the device itself).

use curo_mls::Suite;
use curo_store::repo::account::Account;
use curo_store::repo::directory as rows;
use curo_types::api::{PendingDevice, RevokeDevice};
use curo_types::format::{Approval, Envelope, EnvelopeBody, Signer};
use curo_types::{Blob, DeviceId, Digest, ErrorCode};

use crate::client::Client;
use crate::core::Core;
use crate::detached::detached;
use crate::directory;
use crate::error::{Error, Fault, Result};

/// A device of this user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnDevice {
    /// The device.
    pub device: DeviceId,
    /// When it was registered, milliseconds since 1970 UTC by the relay's clock.
    pub registered_ms: u64,
    /// The day on which the relay saw it last: its first millisecond in UTC.
    pub last_seen_ms: u64,
    /// Whether it waits for the approval of another device: nothing of the user's comes to it before. See
    /// [`Client::waiting_devices`] and [`Client::approve_device`].
    pub pending: bool,
    /// Whether it is revoked, for good.
    pub revoked: bool,
    /// Whether it is this one.
    pub current: bool,
}

impl Client {
    /// This user's devices, revoked ones too, by time of registration, then those that wait for an approval. Asks the relay.
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client) -> curo::Result<()> {
    /// for device in client.devices().await?.iter().filter(|device| !device.revoked) {
    ///     println!("{} seen {}, this one: {}", device.device, device.last_seen_ms, device.current);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `offline`, `sign_in_needed`, `device_revoked`, `locked`.
    pub async fn devices(&self) -> Result<Vec<OwnDevice>> {
        let me = self.core.account().await?;
        let answer = self.core.relay.devices().await.map_err(Error::from)?;
        let own = |info: curo_types::api::DeviceInfo| OwnDevice {
            device: info.device,
            registered_ms: info.registered_ms,
            last_seen_ms: info.last_seen_ms,
            pending: false,
            revoked: info.revoked,
            current: info.device == me.device,
        };
        let waiting = |one: PendingDevice| OwnDevice {
            device: one.device,
            registered_ms: one.asked_ms,
            last_seen_ms: one.asked_ms,
            pending: true,
            revoked: false,
            current: false,
        };
        let devices = answer.devices.into_iter().map(own);
        Ok(devices.chain(answer.pending.into_iter().map(waiting)).collect())
    }

    /// Revokes a device of this user for good: a lost phone. The relay refuses it at once, and the next commit of each
    /// conversation removes it. Revoking a revoked one is fine. This device itself stops with `device_revoked`; what it
    /// has stays readable until [`Client::erase`]. One that waits for an approval is refused, for good too.
    ///
    /// The revocation is durable at the relay when this returns. After an error it may be too: call again.
    ///
    /// # Errors
    /// `unknown` for a device that is not this user's, `offline`, `sign_in_needed`, `device_revoked`, `locked`.
    pub async fn revoke_device(&self, device: DeviceId) -> Result<()> {
        let core = std::sync::Arc::clone(&self.core);
        detached(async move { core.revoke(device).await.map_err(Error::from) }).await
    }
}

impl Core {
    async fn revoke(&self, device: DeviceId) -> std::result::Result<(), Fault> {
        let me = self.account().await?;
        if device == me.device {
            let answer = self.relay.revoke(device, &RevokeDevice::default()).await;
            return match answer {
                Err(Fault::Problem(problem)) if problem.code == ErrorCode::DEVICE_REVOKED => Ok(()),
                answer => answer.map(drop),
            };
        }
        if self.refuse_waiting(device).await? {
            return Ok(());
        }
        // The envelope names the device's last one: another change may have come between.
        for _ in 0..3 {
            directory::fetch(&self.db, &self.relay, vec![me.user], 0).await?;
            let for_tx = me.clone();
            let envelope = self.db.write(move |tx| sign(tx, &for_tx, device)).await?;
            let Some(envelope) = envelope else { return Ok(()) };
            let request = RevokeDevice {
                envelope: Some(Blob(envelope)),
            };
            match self.relay.revoke(device, &request).await {
                Err(Fault::Problem(problem)) if problem.code == ErrorCode::DIRECTORY_CHANGED => {}
                Err(Fault::Problem(problem)) if problem.code == ErrorCode::NOT_FOUND => {
                    return Err(Fault::Code(ErrorCode::UNKNOWN));
                }
                answer => return answer.map(drop),
            }
        }
        Err(Fault::BadRelay("the device's envelope changes for ever"))
    }
}

/// The signed revocation; `None` if the device is revoked already.
fn sign(tx: &mut crate::db::Tx<'_>, me: &Account, device: DeviceId) -> std::result::Result<Option<Vec<u8>>, Fault> {
    let last = rows::last_before(tx.conn, device, u64::MAX)?.filter(|(user, _)| *user == me.user);
    let (_, last) = last.ok_or(Fault::Code(ErrorCode::UNKNOWN))?;
    if Envelope::from_bytes(&last)?.body().action == curo_types::format::Action::Revoke {
        return Ok(None);
    }
    let mut body = EnvelopeBody::revoke(me.tenant.clone(), me.user, device, Digest::of(&last));
    // With any of its keys: each stands in the directory.
    let key = me.keys.first().ok_or(Fault::Code(ErrorCode::SIGN_IN_NEEDED))?;
    body.approval = Approval::Device(me.device, key.suite);
    let mut envelope = Envelope::new(body);
    let signature = tx
        .mls
        .sign(&tx.kv, Suite(key.suite.0), &key.public_key, &envelope.signed_bytes())?;
    envelope.push(Signer::Device(me.device, key.suite), signature);
    Ok(Some(envelope.to_bytes()))
}
