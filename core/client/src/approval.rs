//! Approval of later devices (2.11): what the new device waits for, and what the others of its user say to it.
//!
//! The relay lets nobody approve but a device of the same user, and every member checks the signature (rule 3.6). People compare
//! a code on both screens, so that a relay cannot put a device of its own in the place of theirs.

use std::sync::Arc;

use curo_mls::Suite;
use curo_store::repo::account::{self, Account};
use curo_store::repo::policy;
use curo_types::api::{ApproveDevice, PendingDevice};
use curo_types::format::{Action, Approval, Envelope, Signer};
use curo_types::{Blob, DeviceId, Digest, ErrorCode};

use crate::client::{Account as PublicAccount, Client};
use crate::core::Core;
use crate::detached::detached;
use crate::directory::verify_suite;
use crate::error::{Error, Fault, Result};
use crate::failpoints;
use crate::observe::Observed;
use crate::observe::sources::WaitingDevicesSource;

/// A device of this user that waits to be approved by another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingDevice {
    /// The device.
    pub device: DeviceId,
    /// When it asked, milliseconds since 1970 UTC by the relay's clock.
    pub asked_ms: u64,
    /// 20 digits in four groups. The new device shows the same ([`Client::approval_code`]); if it shows others, somebody else
    /// asks, and the person must refuse.
    pub code: String,
}

impl Client {
    /// The code that this device shows while it waits for the approval of another one of its user: 20 digits in four groups.
    /// `None` before the first sign-in, and once the device is registered.
    ///
    /// # Errors
    /// `locked`.
    pub async fn approval_code(&self) -> Result<Option<String>> {
        let account = self.core.db.read(|conn| Ok(account::get(conn)?)).await?;
        let Some(account) = account.filter(|account| account.registered.is_none()) else {
            return Ok(None);
        };
        let envelope = Envelope::from_bytes(&account.envelope).map_err(Fault::from)?;
        Ok(Some(code_of(&envelope)))
    }

    /// Signs in, and where the tenant asks for it waits until another device of the user approves this one
    /// ([`SessionState::WaitingForApproval`](crate::SessionState::WaitingForApproval) meanwhile). Asks the relay again and
    /// again, with pauses; dropping it loses nothing, and it may be called again at any time.
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client) -> curo::Result<()> {
    /// if let Err(error) = client.sign_in().await {
    ///     if error.code().as_str() == "approval_pending" {
    ///         println!("compare: {}", client.approval_code().await?.unwrap_or_default());
    ///         client.wait_for_approval().await?;
    ///     }
    /// }
    /// client.start().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Client::sign_in`]; `device_revoked` if another device has refused this one.
    pub async fn wait_for_approval(&self) -> Result<PublicAccount> {
        let mut waits = self.core.retry.waits();
        loop {
            match self.sign_in().await {
                Err(error) if *error.code() == ErrorCode::APPROVAL_PENDING => {
                    tokio::time::sleep(waits.next(error.retry_after())).await;
                }
                ended => return ended,
            }
        }
    }

    /// The devices of this user that wait for an approval, by time of asking. Asks the relay.
    ///
    /// # Errors
    /// `offline`, `sign_in_needed`, `device_revoked`, `locked`.
    pub async fn waiting_devices(&self) -> Result<Vec<WaitingDevice>> {
        let me = self.core.account().await?;
        let pending = self.core.pending_devices().await.map_err(Error::from)?;
        let shown = pending.iter().filter_map(|one| {
            let envelope = read(&me, one).ok()?;
            Some(WaitingDevice {
                device: one.device,
                asked_ms: one.asked_ms,
                code: code_of(&envelope),
            })
        });
        Ok(shown.collect())
    }

    /// Watches whether devices of this user wait for an approval: their ids, as far as this device was told. Empty while locked.
    pub fn observe_waiting_devices(&self) -> Observed<Vec<DeviceId>> {
        Observed::new(Arc::clone(&self.core), Arc::new(WaitingDevicesSource))
    }

    /// Approves a device of this user that waits, after the person has compared the codes. From then on it comes into the user's
    /// conversations like every other. Approving one that is in already is fine.
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client) -> curo::Result<()> {
    /// for waiting in client.waiting_devices().await? {
    ///     println!("does your new device show {}?", waiting.code);
    ///     client.approve_device(waiting.device).await?; // or client.revoke_device, which refuses it for good
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `unknown` for a device that does not wait, `bad_relay` if what the relay shows is not such a device's envelope, `offline`,
    /// `sign_in_needed`, `device_revoked`, `locked`.
    pub async fn approve_device(&self, device: DeviceId) -> Result<()> {
        let core = Arc::clone(&self.core);
        detached(async move { core.approve(device).await.map_err(Error::from) }).await
    }
}

impl Core {
    /// Those that wait, as the relay has them now; what is shown of them follows.
    pub(crate) async fn pending_devices(&self) -> std::result::Result<Vec<PendingDevice>, Fault> {
        let pending = self.relay.devices().await?.pending;
        let ids: Vec<DeviceId> = pending.iter().map(|one| one.device).collect();
        if self
            .db
            .write(move |tx| Ok(policy::set_waiting_devices(tx.conn, &ids)?))
            .await?
        {
            self.changed();
        }
        Ok(pending)
    }

    async fn approve(&self, device: DeviceId) -> std::result::Result<(), Fault> {
        let me = self.account().await?;
        let answer = self.relay.devices().await?;
        let Some(one) = answer.pending.iter().find(|one| one.device == device) else {
            // Another device was faster, or this one before a lost answer.
            let is_in = answer.devices.iter().any(|one| one.device == device && !one.revoked);
            return if is_in {
                Ok(())
            } else {
                Err(Fault::Code(ErrorCode::UNKNOWN))
            };
        };
        let mut envelope = read(&me, one)?;
        let for_tx = me.clone();
        let message = envelope.signed_bytes();
        let (suite, signature) = self
            .db
            .write(move |tx| {
                // With any of its keys: each stands in the directory.
                let key = for_tx.keys.first().ok_or(Fault::Code(ErrorCode::SIGN_IN_NEEDED))?;
                let signature = tx.mls.sign(&tx.kv, Suite(key.suite.0), &key.public_key, &message)?;
                Ok((key.suite, signature))
            })
            .await?;
        envelope.push(Signer::Device(me.device, suite), signature);
        let request = ApproveDevice {
            envelope: Blob(envelope.to_bytes()),
        };
        failpoints::hit(failpoints::APPROVAL_BEFORE_SEND);
        let answer = self.relay.approve(device, &request).await;
        failpoints::hit(failpoints::APPROVAL_AFTER_SEND);
        let approved = match answer {
            Err(Fault::Problem(problem)) if problem.code == ErrorCode::NOT_FOUND => {
                return Err(Fault::Code(ErrorCode::UNKNOWN));
            }
            // In by another approval.
            Err(Fault::Problem(problem)) if problem.code == ErrorCode::DIRECTORY_CHANGED => None,
            answer => Some(answer?),
        };
        if let Some(approved) = approved {
            let theirs = Envelope::from_bytes(approved.envelope.as_slice())?;
            if theirs.signed_bytes() != envelope.signed_bytes() {
                return Err(Fault::BadRelay("another envelope came back"));
            }
        }
        self.settle_waiting(device).await
    }

    /// Refuses a device that waits. False: none of that name does.
    pub(crate) async fn refuse_waiting(&self, device: DeviceId) -> std::result::Result<bool, Fault> {
        failpoints::hit(failpoints::APPROVAL_BEFORE_SEND);
        let answer = self.relay.refuse_device(device).await;
        failpoints::hit(failpoints::APPROVAL_AFTER_SEND);
        match answer {
            Ok(_) => {
                self.settle_waiting(device).await?;
                Ok(true)
            }
            Err(Fault::Problem(problem)) if problem.code == ErrorCode::NOT_FOUND => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    async fn settle_waiting(&self, device: DeviceId) -> std::result::Result<(), Fault> {
        self.db
            .write(move |tx| Ok(policy::forget_waiting_device(tx.conn, device)?))
            .await?;
        self.changed();
        Ok(())
    }

    /// The relay says that a device waits.
    pub(crate) async fn device_waits(&self, index: u64, device: DeviceId) -> std::result::Result<(), Fault> {
        self.db
            .write(move |tx| {
                policy::add_waiting_device(tx.conn, device)?;
                Ok(account::ack_inbox(tx.conn, index)?)
            })
            .await?;
        self.changed();
        Ok(())
    }
}

/// The envelope of a device that waits: an addition to this user's devices, signed by its own keys.
fn read(me: &Account, one: &PendingDevice) -> std::result::Result<Envelope, Fault> {
    let envelope = Envelope::from_bytes(one.envelope.as_slice()).map_err(|_| Fault::BadRelay("waiting device"))?;
    let body = envelope.body();
    let fits = body.tenant == me.tenant
        && body.user == me.user
        && body.device == one.device
        && body.device != me.device
        && body.action == Action::Add
        && body.approval == Approval::Directory
        && envelope.verify_possession(&verify_suite).is_ok();
    if fits {
        Ok(envelope)
    } else {
        Err(Fault::BadRelay("waiting device"))
    }
}

/// What people compare: the first 66 bits or so of the hash of what is approved, as digits.
fn code_of(envelope: &Envelope) -> String {
    let hash = Digest::of(&envelope.signed_bytes()).0;
    let groups = hash.chunks_exact(4).take(4).map(|four| {
        let number = four.iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        format!("{:05}", number % 100_000)
    });
    groups.collect::<Vec<_>>().join(" ")
}
