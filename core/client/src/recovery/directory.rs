//! Offering the relay what it has lost of its directory: envelopes, which prove themselves, and this device.

use std::collections::BTreeSet;

use curo_store::repo::account::{self, Account};
use curo_store::repo::lost::{self, LostEnvelope};
use curo_types::api::limits;
use curo_types::format::{Action, Envelope, Signer};
use curo_types::{Blob, UserId};

use crate::core::Core;
use crate::error::Fault;
use crate::{directory, failpoints, session};

impl Core {
    /// Offers all envelopes of lost versions, in their order, so that no addition comes back without the revocation that followed
    /// it. Then this device registers anew, if it came after the backup, which changes nothing where it is back already.
    pub(super) async fn offer_directory(&self, me: &Account) -> Result<(), Fault> {
        let (mut after, mut users, mut own) = (0, BTreeSet::new(), None);
        loop {
            let batch = self
                .db
                .read(move |conn| Ok(lost::envelopes(conn, after, limits::REPLAY_ENVELOPES)?))
                .await?;
            let Some(last) = batch.last() else { break };
            after = last.version;
            users.extend(batch.iter().map(|lost| lost.user));
            own = own.or(batch.iter().find_map(|lost| own_addition(lost, me)));
            let envelopes = batch.into_iter().map(|lost| Blob(lost.envelope)).collect();
            let answer = self.relay.replay_directory(envelopes).await?;
            crate::log::event!(Info, "directory_replayed", envelopes = answer.appended);
        }
        failpoints::hit(failpoints::DIRECTORY_OFFERED);
        if let Some(own) = own {
            let registered = session::register(&self.relay, me, &own).await?;
            self.db
                .write(move |tx| {
                    let (version, envelope) = (registered.version, registered.envelope);
                    Ok(account::set_registered(tx.conn, version, envelope.as_slice())?)
                })
                .await?;
        }
        self.know_again(users.into_iter().collect()).await?;
        self.db.write(|tx| Ok(lost::offered(tx.conn)?)).await
    }

    /// Fetches what was put aside under its new versions. What is not to be had, or does not verify, is asked for when it is
    /// needed.
    async fn know_again(&self, users: Vec<UserId>) -> Result<(), Fault> {
        match directory::fetch(&self.db, &self.relay, users, 0).await {
            Err(Fault::BadRelay(reason)) => {
                crate::log::event!(Warn, "directory_refused", reason = reason);
                Ok(())
            }
            fetched => fetched,
        }
    }
}

/// The envelope that added this device, as it was first sent: with the signatures of its own keys.
fn own_addition(lost: &LostEnvelope, me: &Account) -> Option<Envelope> {
    let mut envelope = Envelope::from_bytes(&lost.envelope).ok()?;
    let body = envelope.body();
    if body.device != me.device || body.user != me.user || body.action != Action::Add {
        return None;
    }
    envelope
        .signatures
        .retain(|one| matches!(one.signer, Signer::Subject(_)));
    Some(envelope)
}
