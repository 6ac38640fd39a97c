//! Which version of the client calls.

use std::fmt;
use std::str::FromStr;

/// The version that a client names with every request, in the header `Curo-Version`: three numbers, compared from the left.
///
/// ```
/// use curo_types::api::ClientVersion;
///
/// let old: ClientVersion = "1.9.0".parse().unwrap();
/// assert!(old < "1.10.0".parse().unwrap());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Default)]
pub struct ClientVersion {
    /// Raised where something does not work with earlier ones.
    pub major: u32,
    /// Raised with what is new.
    pub minor: u32,
    /// Raised with what was mended.
    pub patch: u32,
}

impl ClientVersion {
    /// The header.
    pub const HEADER: &'static str = "Curo-Version";
}

/// Not three numbers with dots between.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a version of three numbers")]
pub struct NotAVersion;

impl FromStr for ClientVersion {
    type Err = NotAVersion;

    /// Digits and dots only. What follows a `-` or `+` (Semantic Versioning 2.0) is passed over.
    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let core = text.split(['-', '+']).next().unwrap_or_default();
        let mut parts = core.split('.').map(|part| {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            if digits { part.parse().ok() } else { None }
        });
        let mut number = || parts.next().flatten().ok_or(NotAVersion);
        let version = Self {
            major: number()?,
            minor: number()?,
            patch: number()?,
        };
        if parts.next().is_none() {
            Ok(version)
        } else {
            Err(NotAVersion)
        }
    }
}

impl fmt::Display for ClientVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn versions_are_three_numbers_compared_from_the_left() {
        let of = |text: &str| text.parse::<ClientVersion>();
        assert_eq!(of("1.2.3").unwrap().to_string(), "1.2.3");
        assert_eq!(of("1.2.3-rc.1+5").unwrap(), of("1.2.3").unwrap());
        assert!(of("0.10.0").unwrap() > of("0.9.99").unwrap());
        for wrong in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "1..3",
            "a.b.c",
            "+1.2.3",
            " 1.2.3",
            "1.2.4294967296",
        ] {
            assert_eq!(of(wrong), Err(NotAVersion), "{wrong}");
        }
    }
}
