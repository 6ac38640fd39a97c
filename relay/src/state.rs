//! What every request has at hand.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use curo_types::api::{ClientVersion, EntryRecord, TenantPolicy};
use curo_types::format::SignedTip;
use curo_types::{ConversationId, SuiteId, TenantId};

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
    /// How long a device may be silent before its leaves are to be removed (6.3).
    pub(crate) leaf_silence: Duration,
    pub(crate) policy: TenantPolicy,
    pub(crate) signer: TenantSigner,
}

impl Tenant {
    /// Signs a tip that is durable.
    pub(crate) fn sign_tip(&self, state: &AppState, tip: Tip) -> SignedTip {
        self.signer
            .sign_tip(state.storage.store_id(), tip, state.clock.now_ms())
    }

    /// Signs the last of some entries that are served, unless that is the tip: whoever keeps them can prove them (7.2).
    pub(crate) fn sign_last(
        &self,
        state: &AppState,
        conversation: ConversationId,
        entries: &[EntryRecord],
        tip: Tip,
    ) -> Option<SignedTip> {
        let last = entries.last().filter(|last| last.seq != tip.seq)?;
        let tip = Tip {
            conversation,
            incarnation: last.incarnation,
            seq: last.seq,
            h: last.h,
        };
        Some(self.sign_tip(state, tip))
    }
}
