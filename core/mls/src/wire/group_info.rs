//! GroupInfo with its GroupContext (RFC 9420, 8.1 and 12.4.3), and the rules on what it may carry.

use super::{EXTENSION_EXTERNAL_PUB, EXTENSION_RATCHET_TREE, Reader};
use crate::error::{MlsError, Rule};

const WIRE_FORMAT_GROUP_INFO: u16 = 4;

/// What matters of a GroupInfo. Nothing of it is verified.
pub(crate) struct GroupInfo<'a> {
    /// The GroupContext as it stands in the bytes.
    pub(crate) context: &'a [u8],
    pub(crate) suite: u16,
    pub(crate) epoch: u64,
    pub(crate) confirmation_tag: &'a [u8],
    /// Leaf index of who signed.
    pub(crate) signer: u32,
}

/// Reads a GroupInfo inside an MLSMessage, and nothing after it. It must carry `external_pub` and nothing else
/// (rule 3.8), and its GroupContext must have no extension, because none is defined yet.
pub(crate) fn read_group_info(bytes: &[u8]) -> Result<GroupInfo<'_>, MlsError> {
    let mut reader = Reader::new(bytes, "GroupInfo");
    reader.version()?;
    if reader.u16()? != WIRE_FORMAT_GROUP_INFO {
        return Err(reader.malformed());
    }
    let start = reader.rest();
    reader.version()?;
    let suite = reader.u16()?;
    reader.vector()?; // group_id
    let epoch = reader.u64()?;
    reader.vector()?; // tree_hash
    reader.vector()?; // confirmed_transcript_hash
    if !reader.vector()?.is_empty() {
        return Err(MlsError::NotAllowed(Rule::GroupContextExtensions));
    }
    let context = Reader::new(start, "GroupInfo").take(start.len() - reader.rest().len())?;
    read_extensions(reader.nested()?)?;
    let (confirmation_tag, signer) = (reader.vector()?, reader.u32()?);
    reader.vector()?; // signature
    reader.end()?;
    Ok(GroupInfo {
        context,
        suite,
        epoch,
        confirmation_tag,
        signer,
    })
}

fn read_extensions(mut extensions: Reader<'_>) -> Result<(), MlsError> {
    let mut external_pub = false;
    while !extensions.is_empty() {
        match extensions.u16()? {
            EXTENSION_EXTERNAL_PUB if !external_pub => external_pub = true,
            EXTENSION_RATCHET_TREE => return Err(MlsError::NotAllowed(Rule::TreeInGroupInfo)),
            _ => return Err(MlsError::NotAllowed(Rule::GroupInfoExtensions)),
        }
        extensions.vector()?;
    }
    if external_pub {
        Ok(())
    } else {
        Err(MlsError::NotAllowed(Rule::GroupInfoExtensions))
    }
}
