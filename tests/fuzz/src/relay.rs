//! What the relay reads beside JSON: commits and messages with what they say of themselves, whole conversations, keys and tokens of
//! identity providers, its configuration.

use std::sync::Arc;

use curo_relay::storage::DeviceRef;
use curo_relay::{Algorithm, JwksSource, ManualClock, PolicyConfig, Quota, SessionPolicy, TenantConfig, fuzzing};
use curo_types::api::{CommitBundle, CreateConversation, ReplayRequest};
use curo_types::format::AuthenticatedData;
use curo_types::{Blob, SuiteId};

use crate::group::{CONVERSATION, tenant};
use crate::pieces::now;

/// A message as it is sent. The relay reads of it what every member reads.
pub(crate) fn message(bytes: &[u8]) -> bool {
    let Some((intent, epoch, counter)) = fuzzing::message(Blob(bytes.to_vec())) else {
        return false;
    };
    let framing = curo_mls::inspect(bytes).expect("members read what the relay took");
    let data = AuthenticatedData::from_bytes(&framing.aad).expect("members read what the relay took");
    assert_eq!(
        (framing.epoch, data.intent, data.counter),
        (epoch, intent, Some(counter))
    );
    true
}

/// A commit with GroupInfo and Welcome, in JSON.
pub(crate) fn commit(bytes: &[u8]) -> bool {
    let Ok(bundle) = serde_json::from_slice::<CommitBundle>(bytes) else {
        return false;
    };
    let Some((intent, epoch, external)) = fuzzing::commit(CONVERSATION, &bundle) else {
        return false;
    };
    let framing = curo_mls::inspect(bundle.commit.as_slice()).expect("members read what the relay took");
    let data = AuthenticatedData::from_bytes(&framing.aad).expect("members read what the relay took");
    let words = framing.commit.expect("a commit");
    assert_eq!((framing.epoch, data.intent), (epoch, intent));
    assert_eq!(words.sender_index.is_none(), external);
    true
}

pub(crate) fn create_conversation(bytes: &[u8]) -> bool {
    let Ok(request) = serde_json::from_slice::<CreateConversation>(bytes) else {
        return false;
    };
    let material = crate::Material::kept();
    let (user, device) = material.creator;
    fuzzing::creation(&tenant(), DeviceRef { user, device }, request)
}

pub(crate) fn replay(bytes: &[u8]) -> bool {
    let Ok(request) = serde_json::from_slice::<ReplayRequest>(bytes) else {
        return false;
    };
    fuzzing::replay(&tenant(), CONVERSATION, request)
}

pub(crate) fn jwks(bytes: &[u8]) -> bool {
    let Some(ids) = fuzzing::key_ids(bytes) else {
        return false;
    };
    assert!(ids.len() <= 128);
    !ids.is_empty()
}

pub(crate) fn config(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    fuzzing::config_error(text).is_none()
}

/// The subject of the tokens in the corpus.
const SUBJECT: &str = "dr-lee";
/// When they are looked at, in ms: 2026-01-01.
const NOW_MS: u64 = 1_767_225_600_000;

/// A token is taken only if the issuer's key has signed it, and that key is nobody's here.
pub(crate) fn access_token(bytes: &[u8]) -> bool {
    thread_local! {
        static TOKENS: fuzzing::Tokens = tokens();
    }
    let Ok(token) = std::str::from_utf8(bytes) else {
        return false;
    };
    let subject = TOKENS.with(|tokens| now(tokens.subject(token)));
    match subject {
        Ok(subject) => {
            assert_eq!(subject, SUBJECT);
            true
        }
        Err(_) => false,
    }
}

fn tokens() -> fuzzing::Tokens {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let jwks = serde_json::json!({"keys": [crate::Material::issuer_jwk()]});
    std::fs::write(file.path(), jwks.to_string()).expect("written");
    let tenant = TenantConfig {
        id: tenant(),
        issuer: crate::Material::ISSUER.to_owned(),
        audience: crate::Material::AUDIENCE.to_owned(),
        jwks: JwksSource::File(file.path().to_owned()),
        algorithms: vec![Algorithm::EdDSA],
        suites: vec![SuiteId::MLS_128_X25519_AES128GCM_SHA256_ED25519],
        session: SessionPolicy::default(),
        body_retention: None,
        quota: Quota::default(),
        policy: PolicyConfig::default(),
    };
    now(fuzzing::Tokens::new(tenant, Arc::new(ManualClock::new(NOW_MS)))).expect("the issuer's keys")
}
