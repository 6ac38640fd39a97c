//! Why bytes from outside were refused.

/// Bytes or text that do not follow a format of `docs/protocol.md`. Carries no part of the input, so it may be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// Not the encoding that the format asks for, or bytes after its end.
    #[error("{format}: malformed")]
    Malformed {
        /// The format's name.
        format: &'static str,
    },
    /// Written by a newer version of the protocol than this one knows.
    #[error("{format}: version {found} is not supported")]
    UnsupportedVersion {
        /// The format's name.
        format: &'static str,
        /// The version that the bytes claim.
        found: u64,
    },
    /// Longer than the format allows.
    #[error("{format}: {size} bytes exceed the limit of {limit}")]
    TooLarge {
        /// The format's name.
        format: &'static str,
        /// Bytes found.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// A field holds a value that the format does not allow.
    #[error("{format}: {reason}")]
    Invalid {
        /// The format's name.
        format: &'static str,
        /// Which rule the value breaks; a fixed sentence, never part of the value.
        reason: &'static str,
    },
    /// A signature that the format requires is absent or wrong.
    #[error("{format}: signature does not verify")]
    BadSignature {
        /// The format's name.
        format: &'static str,
    },
}

impl FormatError {
    pub(crate) const fn malformed(format: &'static str) -> Self {
        Self::Malformed { format }
    }

    pub(crate) const fn invalid(format: &'static str, reason: &'static str) -> Self {
        Self::Invalid { format, reason }
    }
}
