//! OpenMLS's errors in our words.
//!
//! Read only after the storage latch, because OpenMLS also reports storage faults with these. Their texts are not passed
//! on: some quote ids or states. Here is what processing says; [`making`] has what creating, joining and exporting say.

mod making;

use openmls::framing::errors::{MessageDecryptionError, SecretTreeError};
use openmls::group::{
    MlsGroupStateError, ProcessMessageError, ProposalValidationError, PublicProcessMessageError, StageCommitError,
    ValidationError,
};
use openmls::prelude::ApplyUpdatePathError;
use openmls::treesync::errors::LeafNodeValidationError;

use crate::error::{MlsError, Rule};
use crate::provider::Latched;

impl From<openmls::error::LibraryError> for MlsError {
    fn from(_: openmls::error::LibraryError) -> Self {
        Self::Internal
    }
}

/// Only seen where the latch was not read, which [`Provider::settle`](crate::provider::Provider::settle) excludes.
impl From<Latched> for MlsError {
    fn from(_: Latched) -> Self {
        Self::Internal
    }
}

impl From<MlsGroupStateError> for MlsError {
    fn from(error: MlsGroupStateError) -> Self {
        match error {
            MlsGroupStateError::UseAfterEviction => Self::Evicted,
            MlsGroupStateError::PendingCommit => Self::CommitPending,
            MlsGroupStateError::NoPendingCommit => Self::NoPendingCommit,
            MlsGroupStateError::PendingProposal | MlsGroupStateError::PendingProposalNotFound => {
                Self::NotAllowed(Rule::StandaloneProposal)
            }
            MlsGroupStateError::LibraryError(_) => Self::Internal,
        }
    }
}

impl From<ProcessMessageError<Latched>> for MlsError {
    fn from(error: ProcessMessageError<Latched>) -> Self {
        match error {
            ProcessMessageError::LibraryError(_) | ProcessMessageError::StorageError(_) => Self::Internal,
            ProcessMessageError::IncompatibleWireFormat => Self::NotAllowed(Rule::EncryptedHandshake),
            ProcessMessageError::ValidationError(error) => error.into(),
            ProcessMessageError::GroupStateError(error) => error.into(),
            ProcessMessageError::InvalidCommit(error) => error.into(),
            ProcessMessageError::UnauthorizedExternalApplicationMessage
            | ProcessMessageError::UnauthorizedExternalCommitMessage
            | ProcessMessageError::UnsupportedProposalType => Self::NotAllowed(Rule::ExternalSender),
        }
    }
}

impl From<PublicProcessMessageError> for MlsError {
    fn from(error: PublicProcessMessageError) -> Self {
        match error {
            PublicProcessMessageError::LibraryError(_) => Self::Internal,
            PublicProcessMessageError::IncompatibleWireFormat => Self::NotAllowed(Rule::EncryptedHandshake),
            PublicProcessMessageError::ValidationError(error) => error.into(),
            PublicProcessMessageError::InvalidCommit(error) => error.into(),
            PublicProcessMessageError::UnauthorizedExternalApplicationMessage
            | PublicProcessMessageError::UnauthorizedExternalCommitMessage
            | PublicProcessMessageError::UnsupportedProposalType => Self::NotAllowed(Rule::ExternalSender),
        }
    }
}

impl From<ValidationError> for MlsError {
    fn from(error: ValidationError) -> Self {
        match error {
            ValidationError::LibraryError(_) => Self::Internal,
            ValidationError::WrongGroupId => Self::WrongGroup,
            ValidationError::UnableToDecrypt(error) => error.into(),
            ValidationError::InvalidMembershipTag | ValidationError::MissingMembershipTag => {
                Self::BadAuthentication("membership tag")
            }
            ValidationError::MissingConfirmationTag => Self::BadAuthentication("confirmation tag"),
            ValidationError::InvalidSignature
            | ValidationError::InvalidLeafNodeSignature
            | ValidationError::UpdatePathError(_) => Self::BadAuthentication("signature"),
            ValidationError::KeyPackageVerifyError(error) => error.into(),
            ValidationError::UnknownMember => Self::Invalid("sender is not a member"),
            ValidationError::WrongEpoch | ValidationError::NoPastEpochData => Self::Invalid("epoch"),
            ValidationError::UnencryptedApplicationMessage => Self::NotAllowed(Rule::UnencryptedContent),
            ValidationError::InvalidAddProposalCiphersuite => Self::Invalid("cipher suite of an Add"),
            _ => Self::Invalid("framing"),
        }
    }
}

impl From<MessageDecryptionError> for MlsError {
    fn from(error: MessageDecryptionError) -> Self {
        match error {
            MessageDecryptionError::SecretTreeError(SecretTreeError::SecretReuseError) => Self::SecretReuse,
            MessageDecryptionError::SecretTreeError(
                SecretTreeError::TooDistantInThePast | SecretTreeError::TooDistantInTheFuture,
            )
            | MessageDecryptionError::GenerationOutOfBound => Self::GenerationOutOfReach,
            MessageDecryptionError::SecretTreeError(SecretTreeError::IndexOutOfBounds) => {
                Self::Invalid("sender is not a member")
            }
            MessageDecryptionError::LibraryError(_) => Self::Internal,
            MessageDecryptionError::MalformedContent => Self::Malformed("content"),
            _ => Self::Undecryptable,
        }
    }
}

impl From<StageCommitError> for MlsError {
    fn from(error: StageCommitError) -> Self {
        match error {
            StageCommitError::LibraryError(_) => Self::Internal,
            StageCommitError::EpochMismatch => Self::Invalid("epoch"),
            StageCommitError::OwnCommitMismatch => Self::OwnMessage,
            StageCommitError::PathLeafNodeVerificationFailure | StageCommitError::VerifiedUpdatePathError(_) => {
                Self::BadAuthentication("signature")
            }
            StageCommitError::RequiredPathNotFound => Self::NotAllowed(Rule::NoPath),
            StageCommitError::ConfirmationTagMissing | StageCommitError::ConfirmationTagMismatch => {
                Self::BadAuthentication("confirmation tag")
            }
            StageCommitError::AttemptedSelfRemoval => Self::CannotRemoveSelf,
            StageCommitError::MissingProposal => Self::NotAllowed(Rule::ProposalByReference),
            StageCommitError::PskError(_) | StageCommitError::DuplicatePskId(_) => Self::NotAllowed(Rule::PreSharedKey),
            StageCommitError::ExternalCommitValidation(_) => Self::NotAllowed(Rule::ExternalCommit),
            StageCommitError::ProposalValidationError(error) => error.into(),
            StageCommitError::UpdatePathError(error) => error.into(),
            StageCommitError::LeafNodeValidation(error) => error.into(),
            StageCommitError::GroupContextExtensionsProposalValidationError(_) => {
                Self::NotAllowed(Rule::GroupContextExtensions)
            }
            StageCommitError::TooManyNewMembers => Self::TooLarge("tree"),
            _ => Self::Invalid("commit"),
        }
    }
}

impl From<ApplyUpdatePathError> for MlsError {
    fn from(error: ApplyUpdatePathError) -> Self {
        match error {
            ApplyUpdatePathError::LibraryError(_) => Self::Internal,
            ApplyUpdatePathError::UnableToDecrypt | ApplyUpdatePathError::MissingCiphertext => Self::Undecryptable,
            _ => Self::Invalid("update path"),
        }
    }
}

impl From<ProposalValidationError> for MlsError {
    fn from(error: ProposalValidationError) -> Self {
        match error {
            ProposalValidationError::LibraryError(_) => Self::Internal,
            ProposalValidationError::DuplicateSignatureKey
            | ProposalValidationError::DuplicateEncryptionKey
            | ProposalValidationError::DuplicateInitKey
            | ProposalValidationError::InitEncryptionKeyCollision => Self::DuplicateKey,
            ProposalValidationError::UnknownMemberRemoval => Self::Invalid("removal of a leaf that is not there"),
            ProposalValidationError::DuplicateMemberRemoval => Self::Invalid("the same leaf removed twice"),
            ProposalValidationError::Psk(_) => Self::NotAllowed(Rule::PreSharedKey),
            ProposalValidationError::InsufficientCapabilities => Self::NotAllowed(Rule::MissingCapabilities),
            ProposalValidationError::ExternalInitProposalInRegularCommit => Self::NotAllowed(Rule::ExternalInit),
            ProposalValidationError::LeafNodeValidation(error) => error.into(),
            _ => Self::Invalid("proposal"),
        }
    }
}

impl From<LeafNodeValidationError> for MlsError {
    fn from(error: LeafNodeValidationError) -> Self {
        match error {
            LeafNodeValidationError::Lifetime(_) => Self::NotAllowed(Rule::BoundedLifetime),
            LeafNodeValidationError::SignatureKeyAlreadyInUse | LeafNodeValidationError::EncryptionKeyAlreadyInUse => {
                Self::DuplicateKey
            }
            _ => Self::Invalid("leaf"),
        }
    }
}
