//! Encrypting content, and processing what other members sent.

use openmls::prelude::{MlsGroup, ProcessedMessageContent, ProtocolMessage, Sender};
use openmls_traits::OpenMlsProvider as _;
use openmls_traits::storage::StorageProvider as _;

use super::{commit, tls_bytes};
use crate::engine::CommitJudge;
use crate::error::{MlsError, Rule};
use crate::inspect::{Admitted, admit};
use crate::key_package;
use crate::provider::Provider;
use crate::rules::{self, Author};
use crate::suite::Suite;
use crate::types::Processed;

pub(super) fn encrypt(
    provider: &Provider<'_>,
    group: &mut MlsGroup,
    aad: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, MlsError> {
    let key_pair = commit::own_key_pair(provider, group)?;
    // OpenMLS resets it after each message.
    group.set_aad(aad.to_vec());
    tls_bytes(&group.create_message(provider, &key_pair, plaintext)?)
}

pub(super) fn process(
    provider: &Provider<'_>,
    group: &mut MlsGroup,
    message: &[u8],
    judge: &mut CommitJudge<'_>,
) -> Result<Processed, MlsError> {
    let own_index = group.own_leaf_index().u32();
    let (group_id, epoch, committer) = match admit(message)? {
        Admitted::Commit(head) => (head.group_id, head.epoch, head.sender),
        Admitted::Message { group_id, epoch } => (group_id, epoch, None),
    };
    if group_id != group.group_id().as_slice() {
        return Err(MlsError::WrongGroup);
    }
    let expected = group.epoch().as_u64();
    if epoch != expected {
        return Err(MlsError::WrongEpoch { expected, found: epoch });
    }
    // After the epoch: leaves are reused, and who has mine now is not who had it then.
    if committer == Some(own_index) {
        return Err(MlsError::OwnMessage);
    }
    if let Some(index) = committer {
        rules::member(group.public_group(), index)?;
    }

    let processed = group.process_message(provider, read(message)?)?;
    // Before anyone draws a conclusion: OpenMLS may have swallowed a storage fault.
    provider.check()?;
    let author = match processed.sender() {
        Sender::External(_) | Sender::NewMemberProposal => return Err(MlsError::NotAllowed(Rule::ExternalSender)),
        sender @ (Sender::Member(_) | Sender::NewMemberCommit) => Author::from(sender),
    };
    let aad = processed.aad().to_vec();
    match processed.into_content() {
        ProcessedMessageContent::ApplicationMessage(content) => {
            let Author::Member(sender) = author else {
                return Err(MlsError::NotAllowed(Rule::ExternalSender));
            };
            Ok(Processed::Message {
                sender: rules::member(group.public_group(), sender)?,
                aad,
                plaintext: content.into_bytes(),
                epoch,
            })
        }
        ProcessedMessageContent::StagedCommitMessage(staged) => {
            rules::check_commit(&staged, Suite::from(group.ciphersuite()), author)?;
            let outcome = rules::describe(group.public_group(), &staged, author, Some(own_index), aad)?;
            judge(&outcome).map_err(MlsError::Refused)?;
            if outcome.self_removed {
                // OpenMLS leaves the last epoch's private keys behind, and later deletes those of the epoch after it.
                provider
                    .storage()
                    .delete_encryption_epoch_key_pairs(group.group_id(), &group.epoch(), own_index)?;
            }
            group.merge_staged_commit(provider, *staged)?;
            Ok(Processed::Commit(outcome))
        }
        ProcessedMessageContent::OwnPrivateMessage | ProcessedMessageContent::OwnPendingCommit => {
            Err(MlsError::OwnMessage)
        }
        ProcessedMessageContent::ProposalMessage(_) | ProcessedMessageContent::ExternalJoinProposalMessage(_) => {
            Err(MlsError::NotAllowed(Rule::StandaloneProposal))
        }
    }
}

/// The bytes as OpenMLS reads them.
fn read(message: &[u8]) -> Result<ProtocolMessage, MlsError> {
    use openmls::prelude::MlsMessageBodyIn as Body;
    match key_package::body(message, "message")? {
        Body::PublicMessage(message) => Ok(message.into()),
        Body::PrivateMessage(message) => Ok(message.into()),
        _ => Err(MlsError::Malformed("message")),
    }
}
