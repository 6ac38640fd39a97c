//! How a client is opened.

use curo::{ProfileId, SpkiPin};

use crate::convert::duration;
use crate::error::{CuroError, Result};
use crate::runtime::contained;

/// An HTTP proxy between the device and the relay. It sees the relay's name and nothing of what is said.
#[derive(Clone, uniffi::Record)]
pub struct Proxy {
    /// http, host and port, nothing else.
    pub url: String,
    /// Name for the proxy (Basic, RFC 7617); goes with a password.
    #[uniffi(default = None)]
    pub user: Option<String>,
    /// Password for the proxy; goes with a name.
    #[uniffi(default = None)]
    pub password: Option<String>,
}

/// How to open a client. Everything after the relay's address may be left out.
#[derive(Clone, uniffi::Record)]
pub struct ClientOptions {
    /// The folder of this installation's profiles.
    pub root: String,
    /// The relay: an https address without path.
    pub relay: String,
    /// Opens this profile. Without it the folder's only profile is opened, or the first one is made.
    #[uniffi(default = None)]
    pub profile: Option<ProfileId>,
    /// For a notification extension: small caches, two database connections, short time-outs. Give the profile too.
    #[uniffi(default = false)]
    pub notification_extension: bool,
    /// Certification authorities (DER) that are trusted beside the bundled web roots.
    #[uniffi(default = [])]
    pub extra_roots: Vec<Vec<u8>>,
    /// Accepts only relays whose certificate has one of these public keys: at least two different ones. Empty: no pinning.
    #[uniffi(default = [])]
    pub pins: Vec<SpkiPin>,
    /// Reaches the relay through this proxy.
    #[uniffi(default = None)]
    pub proxy: Option<Proxy>,
    /// How long a connection may take until TLS stands, in milliseconds.
    #[uniffi(default = None)]
    pub connect_timeout_ms: Option<i64>,
    /// How long one request may take, in milliseconds.
    #[uniffi(default = None)]
    pub request_timeout_ms: Option<i64>,
    /// The shortest wait between attempts to reach the relay, in milliseconds; goes with the longest one.
    #[uniffi(default = None)]
    pub retry_min_ms: Option<i64>,
    /// The longest wait between attempts to reach the relay, in milliseconds; goes with the shortest one.
    #[uniffi(default = None)]
    pub retry_max_ms: Option<i64>,
    /// After how long without a touch the client locks, in milliseconds: at most 15 minutes.
    #[uniffi(default = None)]
    pub idle_lock_ms: Option<i64>,
    /// How long a sign-in holds, in milliseconds: at most 12 hours.
    #[uniffi(default = None)]
    pub session_limit_ms: Option<i64>,
}

/// The pin of a relay's public key: a SubjectPublicKeyInfo in DER.
#[uniffi::export]
pub fn pin_of_public_key(spki_der: Vec<u8>) -> Result<SpkiPin> {
    contained(|| Ok(SpkiPin::of_public_key(&spki_der)))
}

/// A pin whose hash was made elsewhere: 32 bytes of SHA-256 over a SubjectPublicKeyInfo.
#[uniffi::export]
pub fn pin_from_sha256(hash: Vec<u8>) -> Result<SpkiPin> {
    contained(|| {
        let hash = hash.try_into().map_err(|_| CuroError::invalid())?;
        Ok(SpkiPin::from_sha256(hash))
    })
}

impl ClientOptions {
    /// Everything after the relay's address left out, for callers in Rust; other languages have the records' defaults.
    pub fn new(root: impl Into<String>, relay: impl Into<String>) -> Self {
        Self {
            root: root.into(),
            relay: relay.into(),
            profile: None,
            notification_extension: false,
            extra_roots: Vec::new(),
            pins: Vec::new(),
            proxy: None,
            connect_timeout_ms: None,
            request_timeout_ms: None,
            retry_min_ms: None,
            retry_max_ms: None,
            idle_lock_ms: None,
            session_limit_ms: None,
        }
    }

    pub(crate) fn into_core(self) -> Result<curo::ClientOptions> {
        let Self {
            root,
            relay,
            profile,
            notification_extension,
            extra_roots,
            pins,
            proxy,
            connect_timeout_ms,
            request_timeout_ms,
            retry_min_ms,
            retry_max_ms,
            idle_lock_ms,
            session_limit_ms,
        } = self;
        let mut options = if notification_extension {
            curo::ClientOptions::notification_extension(root, relay)
        } else {
            curo::ClientOptions::new(root, relay)
        };
        if let Some(profile) = profile {
            options = options.profile(profile);
        }
        for root in extra_roots {
            options = options.extra_root(root);
        }
        if !pins.is_empty() {
            options = options.pins(pins);
        }
        if let Some(proxy) = proxy {
            options = options.proxy(proxy.into_core()?);
        }
        if let Some(millis) = connect_timeout_ms {
            options = options.connect_timeout(duration(millis)?);
        }
        if let Some(millis) = request_timeout_ms {
            options = options.request_timeout(duration(millis)?);
        }
        match (retry_min_ms, retry_max_ms) {
            (None, None) => {}
            (Some(min), Some(max)) if min <= max => options = options.retry_between(duration(min)?, duration(max)?),
            _ => return Err(CuroError::invalid()),
        }
        if let Some(millis) = idle_lock_ms {
            options = options.idle_lock(duration(millis)?);
        }
        if let Some(millis) = session_limit_ms {
            options = options.session_limit(duration(millis)?);
        }
        Ok(options)
    }
}

impl Proxy {
    fn into_core(self) -> Result<curo::Proxy> {
        let proxy = curo::Proxy::new(self.url);
        match (self.user, self.password) {
            (None, None) => Ok(proxy),
            (Some(user), Some(password)) => Ok(proxy.credentials(user, password)),
            _ => Err(CuroError::invalid()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn plain() -> ClientOptions {
        ClientOptions::new("/data", "https://relay.example")
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        assert!(plain().into_core().is_ok());
        let bad: [fn(&mut ClientOptions); 7] = [
            |options| options.connect_timeout_ms = Some(-1),
            |options| options.request_timeout_ms = Some(i64::MIN),
            |options| options.idle_lock_ms = Some(-5),
            |options| options.session_limit_ms = Some(-5),
            |options| options.retry_min_ms = Some(5),
            |options| (options.retry_min_ms, options.retry_max_ms) = (Some(6), Some(5)),
            |options| {
                options.proxy = Some(Proxy {
                    url: "http://proxy.example".to_owned(),
                    user: Some("ward".to_owned()),
                    password: None,
                });
            },
        ];
        for (number, change) in bad.iter().enumerate() {
            let mut options = plain();
            change(&mut options);
            let Err(error) = options.into_core() else {
                panic!("{number} was taken");
            };
            assert_eq!(error, CuroError::invalid(), "{number}");
        }
    }

    #[test]
    fn a_pin_is_the_same_from_key_and_hash() {
        let empty = [
            0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae,
            0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
        ];
        let from_hash = pin_from_sha256(empty.to_vec()).unwrap();
        assert_eq!(pin_of_public_key(Vec::new()).unwrap(), from_hash);
        assert_eq!(pin_from_sha256(vec![1; 31]).unwrap_err(), CuroError::invalid());
    }
}
