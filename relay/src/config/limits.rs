//! Time-outs and bounds that an operator may set, and the values that make no sense.

use std::time::Duration;

use curo_types::api::limits;

use super::ConfigError;

/// Time-outs, rate limits and bounds that depend on the installation. Limits of the protocol are not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long a request may take from its first byte to its answer.
    pub request_timeout: Duration,
    /// How long the head of a request may take to arrive, and the TLS handshake.
    pub header_timeout: Duration,
    /// Time between heartbeats of the live stream: more than 0, at most 15 s.
    pub heartbeat: Duration,
    /// How long a shutdown waits for running requests.
    pub shutdown_grace: Duration,
    /// Live streams of one device; a new one ends the oldest.
    pub streams_per_device: usize,
    /// Live streams of the whole relay; one more is answered `unavailable`.
    pub streams: usize,
    /// Open TCP connections; one more is closed.
    pub connections: usize,
    /// Requests of one user in a second, over ten seconds; one more is answered `rate_limited`.
    pub requests_per_user_per_second: u32,
    /// Bytes of request bodies of one user in a second, over ten seconds. One request may exceed it, the next ones wait.
    pub bytes_per_user_per_second: u64,
    /// Requests of all users of a tenant in a second, over ten seconds; one more is answered `rate_limited`.
    pub requests_per_tenant_per_second: u32,
    /// Bytes of request bodies of all users of a tenant in a second, over ten seconds.
    pub bytes_per_tenant_per_second: u64,
    /// A group's state is stored with every so many commits; what lies between is made again from the log.
    pub commits_per_checkpoint: u32,
    /// Bytes of groups' states, as they are stored, whose loaded form is kept in memory; loaded, a group takes about twice that.
    /// Those that were used least recently give way. 0 keeps none: each commit reads its group's state.
    pub group_cache_bytes: usize,
    /// Users that one user may ask KeyPackages of in an hour.
    pub claims_by_user_per_hour: u32,
    /// How often one user may ask KeyPackages of one and the same other user in an hour.
    pub claims_of_user_per_hour: u32,
    /// Devices that one user may register in a day. Each one stays in the directory for ever, revoked or not.
    pub registrations_per_user_per_day: u32,
    /// Tolerated difference between the issuer's clock and the relay's.
    pub clock_leeway: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(30),
            header_timeout: Duration::from_secs(10),
            heartbeat: Duration::from_secs(limits::HEARTBEAT_SECONDS),
            shutdown_grace: Duration::from_secs(10),
            streams_per_device: 2,
            streams: 20_000,
            connections: 25_000,
            requests_per_user_per_second: 200,
            bytes_per_user_per_second: 16 * 1024 * 1024,
            requests_per_tenant_per_second: 5_000,
            bytes_per_tenant_per_second: 128 * 1024 * 1024,
            commits_per_checkpoint: 16,
            group_cache_bytes: 64 * 1024 * 1024,
            claims_by_user_per_hour: 5_000,
            claims_of_user_per_hour: 1_000,
            registrations_per_user_per_day: 20,
            clock_leeway: Duration::from_secs(30),
        }
    }
}

impl Limits {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let bad = |name: &str, reason| Err(ConfigError::invalid(format!("limits.{name}"), reason));
        if self.heartbeat.is_zero() || self.heartbeat > Duration::from_secs(limits::HEARTBEAT_SECONDS) {
            return bad("heartbeat", "it must be more than 0 and at most 15 s");
        }
        if self.request_timeout.is_zero() || self.header_timeout.is_zero() {
            return bad("request_timeout", "a time-out of 0 answers nobody");
        }
        if self.streams_per_device == 0 || self.streams == 0 {
            return bad("streams", "0 would allow no live stream");
        }
        if self.connections == 0 {
            return bad("connections", "0 would let nobody in");
        }
        if self.requests_per_user_per_second == 0 || self.bytes_per_user_per_second == 0 {
            return bad("requests_per_user_per_second", "0 would answer nobody");
        }
        if self.requests_per_tenant_per_second == 0 || self.bytes_per_tenant_per_second == 0 {
            return bad("requests_per_tenant_per_second", "0 would answer nobody");
        }
        if !(1..=256).contains(&self.commits_per_checkpoint) {
            return bad(
                "commits_per_checkpoint",
                "it must be 1 to 256, because that many are made again at once",
            );
        }
        if self.claims_by_user_per_hour == 0 || self.claims_of_user_per_hour == 0 {
            return bad("claims", "0 would allow no conversation");
        }
        if self.registrations_per_user_per_day == 0 {
            return bad("registrations_per_user_per_day", "0 would let nobody in");
        }
        if self.clock_leeway > Duration::from_secs(300) {
            return bad("clock_leeway", "more than 5 minutes would keep expired tokens alive");
        }
        Ok(())
    }
}
