//! The app's word that the network is another: everything is connected anew at once.

use std::sync::Arc;

use tokio::sync::watch;

use crate::client::Client;
use crate::core::Core;
use crate::state::ConnectionState;

impl Client {
    /// Call this when the device has changed its network (Wi-Fi to cellular, a VPN up or down, a captive portal passed), or
    /// comes back to the front after a long sleep.
    ///
    /// All connections are given up and, if the client is started, new ones are opened at once, whatever wait was running.
    /// Requests under way are sent again; that is harmless. A client that stands at [`ConnectionState::SignInNeeded`] or
    /// [`ConnectionState::Failed`] stays there: another network does not help it. Returns at once; works before
    /// [`Client::start`] and outside a runtime.
    ///
    /// ```no_run
    /// # fn example(client: &curo::Client) {
    /// // From ConnectivityManager's or NWPathMonitor's callback.
    /// client.network_changed();
    /// # }
    /// ```
    pub fn network_changed(&self) {
        crate::log::event!(Info, "network_changed");
        self.core.relay.network_changed();
    }
}

/// Runs a background task anew whenever the network has changed, so that none of its waits is sat out. The task must bear
/// being dropped at any await, as it must for [`Client::stop`]; it ends by itself when it is cancelled.
pub(crate) async fn anew_on_change<T: Future<Output = ()>>(core: Arc<Core>, task: impl Fn() -> T) {
    let mut changes = core.relay.network_changes();
    loop {
        tokio::select! {
            // First, or the old task begins to connect anew what is then dropped with it.
            biased;
            () = helpful_change(&core, &mut changes) => {}
            () = task() => return,
        }
    }
}

async fn helpful_change<T>(core: &Core, changes: &mut watch::Receiver<T>) {
    loop {
        if changes.changed().await.is_err() {
            // Nobody can announce another one.
            return std::future::pending().await;
        }
        let needs_more = matches!(
            *core.connection.borrow(),
            ConnectionState::SignInNeeded | ConnectionState::Failed { .. }
        );
        if !needs_more {
            return;
        }
    }
}
