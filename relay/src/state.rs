//! What every request has at hand.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use curo_types::api::{ClientVersion, TenantPolicy};
use curo_types::format::SignedTip;
use curo_types::{SuiteId, TenantId};

use crate::auth::Authenticator;
use crate::clock::Clock;
use crate::config::{Limits, SessionPolicy};
use crate::followers::Followers;
use crate::hub::Hub;
use crate::keys::TenantSigner;
use crate::metrics::Metrics;
use crate::push::Pushes;
use crate::rate::Rates;
use crate::serve::Connections;
use crate::storage::{Storage, Tip};

/// Shared by all requests of a relay.
pub(crate) struct AppState {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) authenticator: Authenticator,
    pub(crate) hub: Arc<Hub>,
    pub(crate) followers: Followers,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tenants: HashMap<TenantId, Tenant>,
    pub(crate) limits: Limits,
    /// Clients of an earlier version are not served.
    pub(crate) min_client_version: Option<ClientVersion>,
    pub(crate) metrics: Metrics,
    pub(crate) rates: Rates,
    pub(crate) connections: Connections,
    pub(crate) push: Pushes,
}

/// A tenant of this relay.
pub(crate) struct Tenant {
    pub(crate) suites: Vec<SuiteId>,
    pub(crate) session: SessionPolicy,
    /// How long bodies of entries are kept (5.8).
    pub(crate) body_retention: Option<Duration>,
    pub(crate) policy: TenantPolicy,
    pub(crate) signer: TenantSigner,
}

impl Tenant {
    /// Signs a tip that is durable.
    pub(crate) fn sign_tip(&self, state: &AppState, tip: Tip) -> SignedTip {
        self.signer
            .sign_tip(state.storage.store_id(), tip, state.clock.now_ms())
    }
}
