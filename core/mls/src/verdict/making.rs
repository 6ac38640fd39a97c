//! OpenMLS's errors from making KeyPackages, groups, commits and messages, and from joining.

use openmls::group::{
    CommitBuilderStageError, CreateCommitError, CreateMessageError, ExportGroupInfoError, ExportSecretError,
    ExternalCommitBuilderError, ExternalCommitBuilderFinalizeError, MergeCommitError, MergePendingCommitError,
    NewGroupError, WelcomeError,
};
use openmls::key_packages::errors::{KeyPackageNewError, KeyPackageVerifyError};
use openmls::prelude::CreationFromExternalError;
use openmls::treesync::errors::TreeSyncFromNodesError;

use crate::error::{MlsError, Rule};
use crate::provider::Latched;

impl From<KeyPackageVerifyError> for MlsError {
    fn from(error: KeyPackageVerifyError) -> Self {
        match error {
            KeyPackageVerifyError::LibraryError(_) => Self::Internal,
            KeyPackageVerifyError::LifetimeError(_) | KeyPackageVerifyError::MissingLifetime => {
                Self::NotAllowed(Rule::BoundedLifetime)
            }
            KeyPackageVerifyError::InvalidSignature | KeyPackageVerifyError::InvalidLeafNodeSignature => {
                Self::BadAuthentication("signature")
            }
            KeyPackageVerifyError::InitKeyEqualsEncryptionKey => Self::DuplicateKey,
            _ => Self::Invalid("KeyPackage"),
        }
    }
}

impl From<KeyPackageNewError> for MlsError {
    fn from(error: KeyPackageNewError) -> Self {
        match error {
            KeyPackageNewError::UnsupportedCiphersuite(cipher) => Self::UnsupportedSuite(cipher.into()),
            KeyPackageNewError::CiphersuiteSignatureSchemeMismatch => Self::UnknownSignatureKey,
            _ => Self::Internal,
        }
    }
}

impl From<NewGroupError<Latched>> for MlsError {
    fn from(error: NewGroupError<Latched>) -> Self {
        match error {
            NewGroupError::GroupAlreadyExists => Self::GroupExists,
            NewGroupError::UnsupportedCiphersuite(cipher) => Self::UnsupportedSuite(cipher.into()),
            _ => Self::Internal,
        }
    }
}

impl From<CreateCommitError> for MlsError {
    fn from(error: CreateCommitError) -> Self {
        match error {
            CreateCommitError::CannotRemoveSelf => Self::CannotRemoveSelf,
            CreateCommitError::ProposalValidationError(error) => error.into(),
            CreateCommitError::LeafNodeValidation(error) => error.into(),
            CreateCommitError::TreeSyncAddLeaf(_) => Self::TooLarge("tree"),
            _ => Self::Internal,
        }
    }
}

impl From<CommitBuilderStageError<Latched>> for MlsError {
    fn from(_: CommitBuilderStageError<Latched>) -> Self {
        Self::Internal
    }
}

impl From<MergeCommitError<Latched>> for MlsError {
    fn from(_: MergeCommitError<Latched>) -> Self {
        Self::Internal
    }
}

impl From<MergePendingCommitError<Latched>> for MlsError {
    fn from(error: MergePendingCommitError<Latched>) -> Self {
        match error {
            MergePendingCommitError::MlsGroupStateError(error) => error.into(),
            MergePendingCommitError::MergeCommitError(error) => error.into(),
        }
    }
}

impl From<CreateMessageError> for MlsError {
    fn from(error: CreateMessageError) -> Self {
        match error {
            CreateMessageError::GroupStateError(error) => error.into(),
            CreateMessageError::LibraryError(_) => Self::Internal,
        }
    }
}

impl From<ExportGroupInfoError> for MlsError {
    fn from(error: ExportGroupInfoError) -> Self {
        match error {
            ExportGroupInfoError::GroupStateError(error) => error.into(),
            _ => Self::Internal,
        }
    }
}

impl From<ExportSecretError> for MlsError {
    fn from(error: ExportSecretError) -> Self {
        match error {
            ExportSecretError::GroupStateError(error) => error.into(),
            ExportSecretError::KeyLengthTooLong => Self::TooLarge("exported secret"),
            ExportSecretError::LibraryError(_) => Self::Internal,
        }
    }
}

impl From<WelcomeError<Latched>> for MlsError {
    fn from(error: WelcomeError<Latched>) -> Self {
        match error {
            WelcomeError::NoMatchingKeyPackage | WelcomeError::JoinerSecretNotFound => Self::NoMatchingKeyPackage,
            WelcomeError::UnsupportedCiphersuite(cipher) => Self::UnsupportedSuite(cipher.into()),
            WelcomeError::CiphersuiteMismatch => Self::Invalid("cipher suite of the Welcome"),
            WelcomeError::GroupSecrets(_) | WelcomeError::GroupInfo(_) | WelcomeError::UnableToDecrypt => {
                Self::Undecryptable
            }
            WelcomeError::ConfirmationTagMismatch => Self::BadAuthentication("confirmation tag"),
            WelcomeError::InvalidGroupInfoSignature => Self::BadAuthentication("signature"),
            WelcomeError::Psk(_) => Self::NotAllowed(Rule::PreSharedKey),
            WelcomeError::PublicGroupError(error) => error.into(),
            WelcomeError::PublicTreeError(_) => Self::TreeMismatch,
            WelcomeError::LeafNodeValidation(error) => error.into(),
            WelcomeError::UnsupportedExtensions | WelcomeError::UnsupportedCapability => {
                Self::NotAllowed(Rule::GroupContextExtensions)
            }
            WelcomeError::LibraryError(_) | WelcomeError::StorageError(_) => Self::Internal,
            _ => Self::Invalid("Welcome"),
        }
    }
}

impl From<ExternalCommitBuilderError<Latched>> for MlsError {
    fn from(error: ExternalCommitBuilderError<Latched>) -> Self {
        match error {
            ExternalCommitBuilderError::LibraryError(_) | ExternalCommitBuilderError::StorageError(_) => Self::Internal,
            ExternalCommitBuilderError::MissingRatchetTree => Self::Malformed("tree"),
            ExternalCommitBuilderError::MissingExternalPub => Self::NotAllowed(Rule::GroupInfoExtensions),
            ExternalCommitBuilderError::UnsupportedCiphersuite(cipher) => Self::UnsupportedSuite(cipher.into()),
            ExternalCommitBuilderError::PublicGroupError(error) => error.into(),
            ExternalCommitBuilderError::InvalidProposal(error) => error.into(),
        }
    }
}

impl From<ExternalCommitBuilderFinalizeError<Latched>> for MlsError {
    fn from(error: ExternalCommitBuilderFinalizeError<Latched>) -> Self {
        match error {
            ExternalCommitBuilderFinalizeError::MergeCommitError(error) => error.into(),
            ExternalCommitBuilderFinalizeError::LibraryError(_)
            | ExternalCommitBuilderFinalizeError::StorageError(_) => Self::Internal,
        }
    }
}

impl<E> From<CreationFromExternalError<E>> for MlsError {
    fn from(error: CreationFromExternalError<E>) -> Self {
        match error {
            CreationFromExternalError::LibraryError(_) | CreationFromExternalError::WriteToStorageError(_) => {
                Self::Internal
            }
            CreationFromExternalError::TreeHashMismatch
            | CreationFromExternalError::UnknownSender
            | CreationFromExternalError::TreeSyncError(TreeSyncFromNodesError::PublicTreeError(_)) => {
                Self::TreeMismatch
            }
            CreationFromExternalError::InvalidGroupInfoSignature => Self::BadAuthentication("signature"),
            CreationFromExternalError::UnsupportedCiphersuite(cipher) => Self::UnsupportedSuite(cipher.into()),
            CreationFromExternalError::LeafNodeValidation(error) => error.into(),
            CreationFromExternalError::DuplicateEncryptionKey | CreationFromExternalError::DuplicateSignatureKey => {
                Self::DuplicateKey
            }
            _ => Self::Invalid("tree"),
        }
    }
}
