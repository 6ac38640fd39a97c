//! The relay's readers of what comes from outside, opened to the fuzz targets (feature `fuzzing`). Not an API: it changes with
//! what it opens.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use curo_types::api::{CommitBundle, CreateConversation, ReplayRequest};
use curo_types::{Blob, ConversationId, Digest, ErrorCode, IntentId, TenantId};

use crate::accept::{self, replay};
use crate::auth::{self, Authenticator};
use crate::clock::Clock;
use crate::config::{self, TenantConfig};
use crate::http;
use crate::storage::{DeviceRef, ReplayBase};

/// What a commit says of itself: intent, epoch, whether it is external. `None` if it is refused for its form.
pub fn commit(conversation: ConversationId, bundle: &CommitBundle) -> Option<(IntentId, u64, bool)> {
    let head = accept::read_commit(conversation, 1, bundle).ok()?;
    Some((head.key.intent, head.key.epoch, head.key.external))
}

/// What a message says of itself: intent, epoch, counter. `None` if it is refused for its form.
pub fn message(body: Blob) -> Option<(IntentId, u64, u64)> {
    let message = accept::read_message(body).ok()?;
    Some((message.intent, message.epoch, message.counter))
}

/// Whether a new conversation would be taken from this device.
pub fn creation(tenant: &TenantId, caller: DeviceRef, request: CreateConversation) -> bool {
    accept::check_creation(tenant, caller, request).is_ok()
}

/// Whether entries that begin a conversation would be taken back.
pub fn replay(tenant: &TenantId, conversation: ConversationId, request: ReplayRequest) -> bool {
    let nothing = ReplayBase {
        seq: 0,
        h: Digest::ZERO,
        group: None,
    };
    replay::read(tenant, conversation, &request).is_ok()
        && replay::check(tenant, conversation, nothing, request).is_ok()
}

/// The ids of the keys that are taken out of a JWK Set.
pub fn key_ids(jwks: &[u8]) -> Option<BTreeSet<String>> {
    auth::key_ids(jwks)
}

/// Whether it is taken as a device's DPoP key.
pub fn is_dpop_key(text: &str) -> bool {
    http::is_canonical(text)
}

/// The token in the header `Authorization`.
pub fn bearer(value: &[u8]) -> Option<String> {
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, HeaderValue::from_bytes(value).ok()?);
    http::bearer(&headers).ok().map(str::to_owned)
}

/// Why a configuration file is refused before anything that it names is looked at.
pub fn config_error(text: &str) -> Option<String> {
    config::check_text(text).err().map(|error| error.to_string())
}

/// Checks access tokens.
pub struct Tokens(Authenticator);

impl Tokens {
    /// Of one tenant, by this clock. `None` if its keys cannot be loaded.
    pub async fn new(tenant: TenantConfig, clock: Arc<dyn Clock>) -> Option<Self> {
        let tokens = Authenticator::new(&[tenant], &clock, Duration::from_secs(60)).ok()?;
        tokens.load_files().await.is_empty().then_some(Self(tokens))
    }

    /// The subject that the token speaks for.
    ///
    /// # Errors
    /// The code of the refusal.
    pub async fn subject(&self, token: &str) -> Result<String, ErrorCode> {
        let caller = self.0.check(token).await;
        caller.map(|caller| caller.subject.0).map_err(|error| error.code())
    }
}
