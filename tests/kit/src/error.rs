//! What can go wrong while a test's world is set up.

use crate::wait::TimedOut;

/// Why a part of the world did not come up. None of it is retryable by waiting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KitError {
    /// The file system or a socket said no.
    #[error("i/o: {0}")]
    Io(#[from] std::io::Error),
    /// A certificate could not be made.
    #[error("certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The relay did not start.
    #[error("relay: {0}")]
    Relay(#[from] curo_relay::StartError),
    /// A device could not be revoked.
    #[error("revocation: {0}")]
    Revoke(#[from] curo_relay::RevokeError),
    /// There is no backup, or nothing was restored.
    #[error("backup: {0}")]
    Backup(#[from] curo_relay::BackupError),
    /// The relay's stored key is no key, or none could be made.
    #[error("relay's key: {0}")]
    RelayKey(#[from] curo_relay::ConfigError),
    /// The development issuer did not start.
    #[error("issuer: {0}")]
    Issuer(#[from] curo_relay::DevIssuerError),
    /// The operating system gives no randomness.
    #[error("no randomness")]
    Randomness,
    /// The client said no.
    #[error(transparent)]
    Client(#[from] curo::Error),
    /// A request past the client found no relay.
    #[error("no answer from the relay")]
    NoAnswer,
    /// Something did not come about in time.
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
}
