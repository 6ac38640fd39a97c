//! The relay's HTTP API as a test speaks it by itself: with a person's good token, without their client.

use std::collections::HashSet;
use std::sync::Arc;

use curo::ConversationId;
use curo_kit::{Person, TestRelay};
use curo_types::Digest;
use curo_types::api::{EntriesPage, EntryRecord};
use curo_types::format::{EntryKind, RequestContext};
use serde_json::Value;

/// A client that trusts the relay's certificate.
pub fn http(relay: &TestRelay) -> reqwest::Client {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(relay.ca().root_der().to_vec().into()).unwrap();
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .build()
        .unwrap()
}

/// A call in a person's name. Status and JSON.
pub async fn call(relay: &TestRelay, person: &Person, path: &str, body: Option<&Value>) -> (u16, Value) {
    let context = RequestContext::new(Some(person.account().await.unwrap().device)).to_header();
    let url = format!("{}{path}", relay.url());
    let request = match body {
        Some(body) => http(relay).post(url).json(body),
        None => http(relay).get(url),
    };
    let request = request
        .bearer_auth(person.tokens().good())
        .header(RequestContext::HEADER, context);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// The log as far as the person may see it, with what the rules say about it checked: contiguous (3.2), chained (2.14), in
/// the order of epochs (3.3), one entry an intent (3.1).
pub async fn log(relay: &TestRelay, person: &Person, id: ConversationId) -> Vec<EntryRecord> {
    let mut log: Vec<EntryRecord> = Vec::new();
    loop {
        let after = log.last().map_or(0, |entry| entry.seq);
        let path = format!("/v1/conversations/{id}/entries?incarnation=1&after={after}");
        let (status, page) = call(relay, person, &path, None).await;
        assert_eq!(status, 200, "{page}");
        let page: EntriesPage = serde_json::from_value(page).unwrap();
        log.extend(page.entries);
        match log.last() {
            // Nothing since this person joined.
            None => break,
            Some(last) if last.seq >= page.tip.seq => {
                assert_eq!(last.h, page.tip.h);
                break;
            }
            Some(_) => {}
        }
    }
    let mut intents = HashSet::new();
    let mut before: Option<&EntryRecord> = None;
    for entry in &log {
        assert!(intents.insert((entry.sender, entry.intent)), "twice: {entry:?}");
        if let Some(before) = before {
            assert_eq!(entry.seq, before.seq + 1);
            let ended = u64::from(before.kind == EntryKind::Commit);
            assert_eq!(entry.epoch, before.epoch + ended);
            assert_eq!(entry.expected_hash(relay.tenant(), id, before.h), entry.h);
        } else if entry.seq == 1 {
            assert_eq!(entry.expected_hash(relay.tenant(), id, Digest::ZERO), entry.h);
        }
        before = Some(entry);
    }
    log
}

/// How many commits the log has.
pub fn commits(log: &[EntryRecord]) -> usize {
    log.iter().filter(|entry| entry.kind == EntryKind::Commit).count()
}
