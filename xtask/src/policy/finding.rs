//! What the checks can find, each said with what to do about it.

/// One breach of the policy.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Finding {
    #[error("{package} comes from {source_of}; only the default registry and workspace members are allowed")]
    Source { package: String, source_of: String },
    #[error("{package} names no licence; ask its authors, or replace it")]
    NoLicence { package: String },
    #[error("{package} has the unreadable licence {licence:?}: {reason}")]
    UnreadableLicence {
        package: String,
        licence: String,
        reason: String,
    },
    #[error(
        "{package} has the licence {licence:?}, of which {refused} is not allowed; replace it, or add an exception with its reason"
    )]
    Licence {
        package: String,
        licence: String,
        refused: String,
    },
    #[error("licence {licence:?} of the policy is no SPDX identifier")]
    UnknownLicence { licence: String },
    #[error("no dependency needs the licence {licence:?}: remove it from licences.allow")]
    UnusedLicence { licence: String },
    #[error("{name} does not need its licence exception for {licence}: remove it")]
    UnusedException { name: String, licence: String },
    #[error("{package} is banned ({reason}), and {dependant} depends on it")]
    Banned {
        package: String,
        dependant: String,
        reason: String,
    },
    #[error("{name} is banned more than once")]
    BannedTwice { name: String },
    #[error("{dependant} does not depend on {names}: remove it from only-through")]
    UnusedThrough { names: String, dependant: String },
    #[error("{name} is there in the versions {versions}; use one, or list them under duplicates with the reason")]
    Duplicate { name: String, versions: String },
    #[error("{name} is listed as a duplicate in {listed}, but there is {found}; correct or remove the listing")]
    UnusedDuplicate {
        name: String,
        listed: String,
        found: String,
    },
    #[error("{name} is listed as a duplicate more than once")]
    ListedTwice { name: String },
    #[error("{file}: {problem}")]
    Manifest { file: String, problem: String },
}
