//! What an operator watches, as Prometheus reads it (OpenMetrics text).
//!
//! Labels name routes, statuses, codes and tenants, all of which the code and the configuration bound. Never a user, a
//! device, a conversation or an address: metrics leave the relay unencrypted and are kept by others.

use std::time::Duration;

use curo_types::{ErrorCode, TenantId};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::storage::Usage;

/// Seconds. A commit of a large group takes tens of milliseconds, a request at most its time-out.
const BUCKETS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTenant {
    tenant: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Trouble {
    kind: &'static str,
}

/// Values that are read when they are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Levels {
    /// Open live streams.
    pub(crate) streams: usize,
    /// Open connections to the relay.
    pub(crate) connections: usize,
    /// Writes that have entered the storage's queue and are not answered.
    pub(crate) waiting_writes: usize,
    /// Groups whose state is kept loaded.
    pub(crate) kept_groups: usize,
}

/// The counters of one relay.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    seconds: Family<Route, Histogram>,
    refusals: Family<Code, Counter>,
    messages: Family<OfTenant, Counter>,
    commits: Family<OfTenant, Counter>,
    dropped_bodies: Family<OfTenant, Counter>,
    storage_errors: Family<Trouble, Counter>,
    conversations: Family<OfTenant, Gauge>,
    devices: Family<OfTenant, Gauge>,
    stored_bytes: Family<OfTenant, Gauge>,
    streams: Gauge,
    connections: Gauge,
    waiting_writes: Gauge,
    kept_groups: Gauge,
    read_groups: Counter,
    evicted_groups: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("curo_relay"),
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            refusals: Family::default(),
            messages: Family::default(),
            commits: Family::default(),
            dropped_bodies: Family::default(),
            storage_errors: Family::default(),
            conversations: Family::default(),
            devices: Family::default(),
            stored_bytes: Family::default(),
            streams: Gauge::default(),
            connections: Gauge::default(),
            waiting_writes: Gauge::default(),
            kept_groups: Gauge::default(),
            read_groups: Counter::default(),
            evicted_groups: Counter::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The relay's version", build);
        registry.register("requests", "Answered requests", self.requests.clone());
        let help = "Seconds from a request's head to its answer's; of a live stream to its first line";
        registry.register("request_seconds", help, self.seconds.clone());
        registry.register("refusals", "Problems that were answered", self.refusals.clone());
        let help = "Accepted messages, repetitions not counted";
        registry.register("accepted_messages", help, self.messages.clone());
        let help = "Accepted commits, repetitions not counted";
        registry.register("accepted_commits", help, self.commits.clone());
        let help = "Bodies of old entries that were dropped";
        registry.register("dropped_bodies", help, self.dropped_bodies.clone());
        registry.register(
            "storage_errors",
            "Calls that the storage failed",
            self.storage_errors.clone(),
        );
        let help = "Conversations of a tenant that not all have left";
        registry.register("tenant_conversations", help, self.conversations.clone());
        let help = "Active devices of a tenant";
        registry.register("tenant_devices", help, self.devices.clone());
        let help = "Bytes of messages and commits that a tenant has stored";
        registry.register("tenant_stored_bytes", help, self.stored_bytes.clone());
        registry.register("streams", "Open live streams", self.streams.clone());
        registry.register("connections", "Open connections", self.connections.clone());
        let help = "Writes that wait for the storage's writer or are with it";
        registry.register("storage_waiting_writes", help, self.waiting_writes.clone());
        let help = "Groups whose state is kept loaded";
        registry.register("groups_kept", help, self.kept_groups.clone());
        let help = "Commits whose group's state was read from the storage, because it was not loaded";
        registry.register("groups_read", help, self.read_groups.clone());
        let help = "Loaded group states that gave way to others";
        registry.register("groups_evicted", help, self.evicted_groups.clone());
    }

    /// One request was answered. `route` is the template of its path, never the path.
    pub(crate) fn answered(&self, method: &axum::http::Method, route: &str, status: u16, took: Duration) {
        let method = match method.as_str() {
            "GET" => "GET",
            "POST" => "POST",
            // Anybody can send any word as a method.
            _ => "other",
        };
        let route = route.to_owned();
        self.seconds
            .get_or_create(&Route { route: route.clone() })
            .observe(took.as_secs_f64());
        self.requests.get_or_create(&Answered { method, route, status }).inc();
    }

    pub(crate) fn refused(&self, code: &ErrorCode) {
        let code = code.as_str().to_owned();
        self.refusals.get_or_create(&Code { code }).inc();
    }

    pub(crate) fn accepted_messages(&self, tenant: &TenantId, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.messages.get_or_create(&of(tenant)).inc_by(count);
    }

    pub(crate) fn accepted_commit(&self, tenant: &TenantId) {
        self.commits.get_or_create(&of(tenant)).inc();
    }

    /// A commit needed a group's state that was not loaded.
    pub(crate) fn group_read(&self) {
        self.read_groups.inc();
    }

    /// So many loaded states gave way to others.
    pub(crate) fn groups_evicted(&self, count: usize) {
        self.evicted_groups.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }

    pub(crate) fn dropped_bodies(&self, tenant: &TenantId, count: u64) {
        self.dropped_bodies.get_or_create(&of(tenant)).inc_by(count);
    }

    /// What a tenant has, of what its quota counts.
    pub(crate) fn tenant_has(&self, tenant: &TenantId, usage: Usage) {
        for (gauges, value) in [
            (&self.conversations, usage.conversations),
            (&self.devices, usage.devices),
            (&self.stored_bytes, usage.stored_bytes),
        ] {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            gauges.get_or_create(&of(tenant)).set(value);
        }
    }

    pub(crate) fn storage_error(&self, kind: &'static str) {
        self.storage_errors.get_or_create(&Trouble { kind }).inc();
    }

    /// All values as text.
    pub(crate) fn text(&self, levels: Levels) -> String {
        self.streams.set(i64::try_from(levels.streams).unwrap_or(i64::MAX));
        self.connections
            .set(i64::try_from(levels.connections).unwrap_or(i64::MAX));
        self.waiting_writes
            .set(i64::try_from(levels.waiting_writes).unwrap_or(i64::MAX));
        self.kept_groups
            .set(i64::try_from(levels.kept_groups).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a string does not fail; a scrape without the closing line is refused by whoever reads it.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

fn of(tenant: &TenantId) -> OfTenant {
    OfTenant {
        tenant: tenant.as_str().to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn words_that_anybody_can_make_up_do_not_become_labels() {
        let metrics = Metrics::default();
        for n in 0..100 {
            let method = axum::http::Method::from_bytes(format!("M{n}").as_bytes()).unwrap();
            metrics.answered(&method, "none", 405, Duration::ZERO);
        }
        let text = metrics.text(Levels {
            streams: 3,
            connections: 2,
            waiting_writes: 7,
            kept_groups: 5,
        });
        assert!(
            text.contains("curo_relay_requests_total{method=\"other\",route=\"none\",status=\"405\"} 100\n"),
            "{text}"
        );
        assert!(
            text.contains("curo_relay_streams 3\n")
                && text.contains("curo_relay_groups_kept 5\n")
                && text.contains("curo_relay_storage_waiting_writes 7\n")
        );
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn storage_errors_are_counted_by_kind() {
        let metrics = Metrics::default();
        metrics.storage_error("full");
        let text = metrics.text(Levels {
            streams: 0,
            connections: 0,
            waiting_writes: 0,
            kept_groups: 0,
        });
        assert!(
            text.contains("curo_relay_storage_errors_total{kind=\"full\"} 1\n"),
            "{text}"
        );
    }
}
