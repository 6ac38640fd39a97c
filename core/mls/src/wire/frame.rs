//! MLSMessage, PublicMessage, PrivateMessage and Commit (RFC 9420, 6 and 12.4), with the rules of protocol 2.8 and 3.4.

use super::Reader;
use super::leaf::{KeyPackage, LeafNode, read_key_package, read_leaf};
use crate::error::{MlsError, Rule};

const PUBLIC_MESSAGE: u16 = 1;
const PRIVATE_MESSAGE: u16 = 2;

/// A group message, read as far as the rules need it.
pub(crate) enum WireMessage<'a> {
    Public(PublicFrame<'a>),
    Private {
        group_id: &'a [u8],
        epoch: u64,
        content_type: u8,
        aad: &'a [u8],
    },
}

/// A PublicMessage.
pub(crate) struct PublicFrame<'a> {
    pub(crate) group_id: &'a [u8],
    pub(crate) epoch: u64,
    pub(crate) sender: Sender,
    pub(crate) aad: &'a [u8],
    pub(crate) content: Content<'a>,
}

/// Who a PublicMessage says it is from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    Member(u32),
    External,
    NewMemberProposal,
    NewMemberCommit,
}

impl Sender {
    /// The leaf index of a member. Only members and new members commit, so without one it is an external commit.
    pub(crate) const fn member(self) -> Option<u32> {
        match self {
            Self::Member(index) => Some(index),
            Self::External | Self::NewMemberProposal | Self::NewMemberCommit => None,
        }
    }
}

/// What a PublicMessage carries.
pub(crate) enum Content<'a> {
    Application,
    Proposal,
    Commit(Commit<'a>),
}

/// A commit of a member that holds nothing but inline Adds and Removes, or an external commit with at most one Remove.
pub(crate) struct Commit<'a> {
    pub(crate) adds: Vec<KeyPackage<'a>>,
    pub(crate) removes: Vec<u32>,
    pub(crate) path_leaf: Option<LeafNode<'a>>,
    pub(crate) confirmation_tag: &'a [u8],
}

/// Reads a PublicMessage or PrivateMessage. A commit by a member that breaks rule 3.4 is refused here, by name.
pub(crate) fn read_message(bytes: &[u8]) -> Result<WireMessage<'_>, MlsError> {
    let mut reader = Reader::new(bytes, "message");
    reader.version()?;
    let message = match reader.u16()? {
        PUBLIC_MESSAGE => WireMessage::Public(read_public(&mut reader)?),
        PRIVATE_MESSAGE => {
            let (group_id, epoch) = (reader.vector()?, reader.u64()?);
            let content_type = content_type(&mut reader)?;
            let aad = reader.vector()?;
            reader.vector()?; // encrypted_sender_data
            reader.vector()?; // ciphertext
            WireMessage::Private {
                group_id,
                epoch,
                content_type,
                aad,
            }
        }
        _ => return Err(reader.malformed()),
    };
    reader.end()?;
    Ok(message)
}

pub(crate) const APPLICATION: u8 = 1;
pub(crate) const PROPOSAL: u8 = 2;
pub(crate) const COMMIT: u8 = 3;

fn content_type(reader: &mut Reader<'_>) -> Result<u8, MlsError> {
    match reader.u8()? {
        known @ (APPLICATION | PROPOSAL | COMMIT) => Ok(known),
        _ => Err(reader.malformed()),
    }
}

fn read_public<'a>(reader: &mut Reader<'a>) -> Result<PublicFrame<'a>, MlsError> {
    let (group_id, epoch) = (reader.vector()?, reader.u64()?);
    let sender = match reader.u8()? {
        1 => Sender::Member(reader.u32()?),
        2 => {
            reader.u32()?; // index into external_senders
            Sender::External
        }
        3 => Sender::NewMemberProposal,
        4 => Sender::NewMemberCommit,
        _ => return Err(reader.malformed()),
    };
    let aad = reader.vector()?;
    let content = match content_type(reader)? {
        COMMIT => match sender {
            Sender::Member(_) => Content::Commit(read_commit(reader)?),
            Sender::NewMemberCommit => Content::Commit(read_external_commit(reader)?),
            Sender::External | Sender::NewMemberProposal => {
                skip(reader)?;
                return Err(MlsError::NotAllowed(Rule::ExternalSender));
            }
        },
        PROPOSAL => {
            skip(reader)?;
            Content::Proposal
        }
        _ => {
            skip(reader)?;
            Content::Application
        }
    };
    Ok(PublicFrame {
        group_id,
        epoch,
        sender,
        aad,
        content,
    })
}

/// What is refused anyway need not be read.
fn skip(reader: &mut Reader<'_>) -> Result<(), MlsError> {
    let left = reader.rest().len();
    reader.take(left).map(|_| ())
}

fn read_commit<'a>(reader: &mut Reader<'a>) -> Result<Commit<'a>, MlsError> {
    let (mut adds, mut removes) = (Vec::new(), Vec::new());
    let mut proposals = reader.nested()?;
    while !proposals.is_empty() {
        match proposals.u8()? {
            1 => {}
            2 => return Err(MlsError::NotAllowed(Rule::ProposalByReference)),
            _ => return Err(proposals.malformed()),
        }
        match proposals.u16()? {
            ADD => adds.push(read_key_package(&mut proposals)?),
            REMOVE => removes.push(proposals.u32()?),
            other => return Err(MlsError::NotAllowed(rule_against(other))),
        }
    }
    let (path_leaf, confirmation_tag) = read_path(reader)?;
    reader.vector()?; // membership_tag
    Ok(Commit {
        adds,
        removes,
        path_leaf,
        confirmation_tag,
    })
}

/// A commit by somebody without a leaf (RFC 9420, 12.4.3.2): one ExternalInit, at most one Remove, and nothing else
/// (rule 3.5). It has no membership tag.
fn read_external_commit<'a>(reader: &mut Reader<'a>) -> Result<Commit<'a>, MlsError> {
    let (mut removes, mut inits) = (Vec::new(), 0_usize);
    let mut proposals = reader.nested()?;
    while !proposals.is_empty() {
        match proposals.u8()? {
            1 => {}
            2 => return Err(MlsError::NotAllowed(Rule::ProposalByReference)),
            _ => return Err(proposals.malformed()),
        }
        match proposals.u16()? {
            EXTERNAL_INIT => {
                inits += 1;
                proposals.vector()?; // kem_output
            }
            REMOVE => removes.push(proposals.u32()?),
            ADD => return Err(MlsError::NotAllowed(Rule::ExternalCommit)),
            other => return Err(MlsError::NotAllowed(rule_against(other))),
        }
    }
    if inits != 1 || removes.len() > 1 {
        return Err(MlsError::NotAllowed(Rule::ExternalCommit));
    }
    let (path_leaf, confirmation_tag) = read_path(reader)?;
    Ok(Commit {
        adds: Vec::new(),
        removes,
        path_leaf,
        confirmation_tag,
    })
}

/// The path's leaf, and the confirmation tag behind the signature.
fn read_path<'a>(reader: &mut Reader<'a>) -> Result<(Option<LeafNode<'a>>, &'a [u8]), MlsError> {
    if !reader.present()? {
        return Err(MlsError::NotAllowed(Rule::NoPath));
    }
    let path_leaf = Some(read_leaf(reader)?);
    reader.vector()?; // nodes
    reader.vector()?; // signature
    Ok((path_leaf, reader.vector()?))
}

/// Proposal types that commits may hold (RFC 9420, 17.4).
const ADD: u16 = 0x0001;
const REMOVE: u16 = 0x0003;
const EXTERNAL_INIT: u16 = 0x0006;

/// Which rule a proposal type breaks (RFC 9420, 17.4, and the extensions document for SelfRemove).
fn rule_against(proposal_type: u16) -> Rule {
    match proposal_type {
        0x0002 => Rule::UpdateProposal,
        0x0004 => Rule::PreSharedKey,
        0x0005 => Rule::ReInit,
        EXTERNAL_INIT => Rule::ExternalInit,
        0x0007 => Rule::GroupContextExtensions,
        0x000a => Rule::SelfRemove,
        _ => Rule::CustomProposal,
    }
}
