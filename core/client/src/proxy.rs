//! The HTTP proxy between client and relay, where a network asks for one.

use std::fmt;

use curo_types::ErrorCode;
use reqwest::Url;
use zeroize::Zeroizing;

use crate::error::Fault;

/// An HTTP proxy that is asked to `CONNECT` (RFC 9110 section 9.3.6). TLS goes through it to the relay, so it sees the relay's
/// name and nothing of what is said; certificate and pins are checked as without it.
///
/// ```
/// let proxy = curo::Proxy::new("http://proxy.hospital.example:3128").credentials("ward-7", "a password");
/// let options = curo::ClientOptions::new("/data/curo", "https://relay.example").proxy(proxy);
/// assert!(!format!("{options:?}").contains("a password"));
/// ```
#[derive(Clone)]
pub struct Proxy {
    url: Zeroizing<String>,
    credentials: Option<(Zeroizing<String>, Zeroizing<String>)>,
}

impl Proxy {
    /// The proxy at `url`: `http`, host and port, nothing else. Looked at by [`Client::open`](crate::Client::open), which refuses
    /// anything else with `invalid_argument`: a name and a password in the address too; see [`Proxy::credentials`].
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: Zeroizing::new(url.into()),
            credentials: None,
        }
    }

    /// Name and password for the proxy (Basic, RFC 7617). Sent to the proxy only, in the clear, as that scheme does. Never
    /// formatted, wiped on drop.
    #[must_use]
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some((Zeroizing::new(user.into()), Zeroizing::new(password.into())));
        self
    }

    pub(crate) fn for_https(&self) -> Result<reqwest::Proxy, Fault> {
        let invalid = || Fault::Code(ErrorCode::INVALID_ARGUMENT);
        let url = Url::parse(&self.url).map_err(|_| invalid())?;
        let only_host = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let no_credentials = url.username().is_empty() && url.password().is_none();
        if url.scheme() != "http" || !url.has_host() || !only_host || !no_credentials {
            return Err(invalid());
        }
        let proxy = reqwest::Proxy::https(url).map_err(|_| invalid())?;
        Ok(match &self.credentials {
            Some((user, password)) => proxy.basic_auth(user, password),
            None => proxy,
        })
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxy(redacted)")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_addresses_are_proxies() {
        for good in ["http://10.0.0.1:3128", "http://proxy.example", "http://[::1]:8080/"] {
            assert!(Proxy::new(good).for_https().is_ok(), "{good}");
        }
        for bad in [
            "",
            "proxy.example:3128",
            "https://proxy.example",
            "socks5://proxy.example",
            "http://user@proxy.example",
            "http://user:pass@proxy.example",
            "http://proxy.example/path",
            "http://proxy.example/?q",
            "http://proxy.example/#f",
        ] {
            let refused = Proxy::new(bad).for_https().map(drop).unwrap_err();
            assert_eq!(refused.code(), ErrorCode::INVALID_ARGUMENT, "{bad}");
        }
    }

    #[test]
    fn credentials_are_never_formatted() {
        let proxy = Proxy::new("http://CANARY.example").credentials("CANARY", "CANARY");
        let options = crate::ClientOptions::new("/data", "https://relay.example").proxy(proxy.clone());
        assert!(!format!("{proxy:?} {proxy:#?} {options:?} {options:#?}").contains("CANARY"));
    }
}
