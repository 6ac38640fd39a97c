//! Where pushes for this device go. The relay learns a target that is opaque to it and a random token; the push itself says
//! nothing else.

use std::sync::Arc;

use curo_store::repo::push;
use curo_types::ErrorCode;
use curo_types::api::{PushRegistration, PutPush, limits};
use curo_types::{Blob, IntentId};

use super::{Client, profiles};
use crate::core::Core;
use crate::detached::detached;
use crate::error::{Error, Fault, Result};
use crate::failpoints;

impl Client {
    /// Tells the relay where to wake this device when it has no live stream: `target` is what the operator's push gateway
    /// finds the app's installation by, for instance the platform's push token; 1 to 512 printable ASCII characters. Call
    /// it at every start: the same target again costs nothing.
    ///
    /// A push then bears a random token of this profile and nothing else; give it to [`Client::handle_push`], or to
    /// [`Client::profile_of_push`] where no client is open yet. The registration is durable first: if the relay cannot be
    /// reached it is sent with the next background run or [`Client::catch_up`].
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client, platform_token: &str) -> curo::Result<()> {
    /// client.register_push(platform_token).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `invalid_argument`, `sign_in_needed`, `locked`, `offline` and its likes, `rate_limited`.
    pub async fn register_push(&self, target: &str) -> Result<()> {
        if !(1..=limits::PUSH_TARGET_BYTES).contains(&target.len())
            || !target.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(Error::new(ErrorCode::INVALID_ARGUMENT));
        }
        let (client, target) = (self.clone(), target.to_owned());
        detached(async move {
            client.core.account().await?;
            let token = client
                .core
                .db
                .write(move |tx| {
                    if let Some(held) = push::get(tx.conn)?.filter(|held| held.target == target) {
                        return Ok(held.token);
                    }
                    // As random as an intent's id.
                    let token = IntentId::random().0;
                    push::put(tx.conn, &target, token)?;
                    Ok(token)
                })
                .await?;
            client.home.set_push_token(Some(token));
            profiles::write_card(&client.core.db).await?;
            Ok(settle(&client.core).await?)
        })
        .await
    }

    /// Tells the relay to send no more pushes. Harmless to repeat. Until it has succeeded the registration stands, and goes to
    /// the relay again with the next background run.
    ///
    /// # Errors
    /// As [`Client::register_push`]; then repeat it.
    pub async fn unregister_push(&self) -> Result<()> {
        let client = self.clone();
        detached(async move {
            {
                let _one_at_a_time = client.core.push_lock.lock().await;
                // Before it is sent: whoever is stopped in between, and goes on with the same target, must tell the relay again.
                client.core.db.write(|tx| Ok(push::doubt(tx.conn)?)).await?;
                failpoints::hit(failpoints::PUSH_END_BEFORE_SEND);
                client.core.relay.put_push(&PutPush { registration: None }).await?;
                failpoints::hit(failpoints::PUSH_END_AFTER_SEND);
                client.core.db.write(|tx| Ok(push::forget(tx.conn)?)).await?;
            }
            client.home.set_push_token(None);
            Ok(profiles::write_card(&client.core.db).await?)
        })
        .await
    }
}

/// Sends the registration if the relay does not have it yet.
pub(super) async fn settle(core: &Arc<Core>) -> std::result::Result<(), Fault> {
    let _one_at_a_time = core.push_lock.lock().await;
    let held = core.db.read(|conn| Ok(push::get(conn)?)).await?;
    let Some(held) = held.filter(|held| !held.registered) else {
        return Ok(());
    };
    failpoints::hit(failpoints::PUSH_BEFORE_SEND);
    let registration = PushRegistration {
        target: held.target,
        token: Blob(held.token.to_vec()),
    };
    let put = PutPush {
        registration: Some(registration),
    };
    core.relay.put_push(&put).await?;
    failpoints::hit(failpoints::PUSH_AFTER_SEND);
    core.db
        .write(move |tx| Ok(push::set_registered(tx.conn, held.token)?))
        .await?;
    Ok(())
}
