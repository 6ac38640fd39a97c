//! Trouble of the storage itself, in contrast to refusals by rules, which are outcomes.

/// The storage could not do its work. Carries neither SQL nor data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// Busy, or a transaction that has to be tried again; the same call may succeed at once.
    #[error("the storage is busy")]
    Retry,
    /// The storage has been closed: the relay is stopping.
    #[error("the storage is closed")]
    Closed,
    /// No space left.
    #[error("the storage is full")]
    Full,
    /// The storage holds something that it cannot have written, or failed in a way that a retry does not mend.
    #[error("the storage failed: {0}")]
    Broken(&'static str),
}

impl StorageError {
    /// The kind of trouble, for counting.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Closed => "closed",
            Self::Full => "full",
            Self::Broken(_) => "broken",
        }
    }

    /// Whether the same call may succeed later without an operator's help.
    pub const fn retryable(&self) -> bool {
        matches!(self, Self::Retry | Self::Closed | Self::Full)
    }
}
