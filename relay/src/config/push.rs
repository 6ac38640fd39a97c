//! How the relay reaches the push gateway, and proves to it that it is the relay.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroize as _;

use super::{ConfigError, check_url};

/// The push gateway: a service of the operator's that hands pushes on to the platforms. It gets `{"target", "token"}` by
/// `POST` and nothing else, answers 2xx, or 410 for an installation that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushConfig {
    /// An `https` URL; `http` only for a loopback address.
    pub gateway: String,
    /// A PEM file with the certificates of a private authority that may vouch for it, instead of the public ones.
    pub ca: Option<PathBuf>,
    /// What the relay shows with each push, so that nobody else can send any. `None`: the gateway knows the relay otherwise.
    pub token: Option<PushToken>,
    /// How long one request may take.
    pub timeout: Duration,
    /// How long to wait before the second of three attempts; twice as long before the third.
    pub retry_wait: Duration,
}

impl PushConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        check_url(&self.gateway).map_err(|reason| ConfigError::invalid("push.gateway", reason))?;
        if self.timeout.is_zero() {
            return Err(ConfigError::invalid("push.timeout_ms", "it must be more than 0"));
        }
        Ok(())
    }
}

/// A bearer token (RFC 6750) that the push gateway asks for. Never formatted, wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct PushToken(String);

impl PushToken {
    /// Shorter ones can be guessed.
    const SHORTEST: usize = 16;
    const LONGEST: usize = 4096;

    /// A token of 16 to 4,096 characters of RFC 6750 section 2.1: letters, digits and `-._~+/=`. Space around it is cut off.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`], which does not quote it.
    pub fn new(text: &str) -> Result<Self, ConfigError> {
        let token = text.trim();
        if !(Self::SHORTEST..=Self::LONGEST).contains(&token.len()) {
            return Err(invalid("a token has 16 to 4,096 characters"));
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if !token.bytes().all(allowed) {
            return Err(invalid("a token has letters, digits and -._~+/= only"));
        }
        Ok(Self(token.to_owned()))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

fn invalid(reason: &'static str) -> ConfigError {
    ConfigError::invalid("push.token_file", reason)
}

impl fmt::Debug for PushToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PushToken(redacted)")
    }
}

impl Drop for PushToken {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_whole_and_shown_to_nobody() {
        let token = PushToken::new(" secret-token.of/16+ \n").unwrap();
        assert_eq!(token.expose(), "secret-token.of/16+");
        assert_eq!(format!("{token:?}"), "PushToken(redacted)");
        let long = "x".repeat(4097);
        for bad in [
            "",
            "short",
            "with space in the middle",
            "line\nbreak in the middle",
            "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
            &long,
        ] {
            let refused = PushToken::new(bad).unwrap_err().to_string();
            assert!(refused.contains("push.token_file"), "{refused}");
            assert!(bad.is_empty() || !refused.contains(bad), "{refused}");
        }
    }
}
