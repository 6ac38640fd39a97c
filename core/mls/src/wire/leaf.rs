//! LeafNode and KeyPackage (RFC 9420, 7.2 and 10), as far as the rules need them.

use super::Reader;
use crate::error::{MlsError, Rule};

const WIRE_FORMAT_KEY_PACKAGE: u16 = 5;
const CREDENTIAL_BASIC: u16 = 1;
const NODE_LEAF: u8 = 1;
const SOURCE_KEY_PACKAGE: u8 = 1;
const SOURCE_UPDATE: u8 = 2;
const SOURCE_COMMIT: u8 = 3;

/// The one lifetime that leaves may have (rule 2.8): OpenMLS compares it with the local clock on every foreign Add and has
/// no switch for that, so it must hold on every clock.
pub(crate) const UNBOUNDED_LIFETIME: (u64, u64) = (0, u64::MAX / 2);

/// Bytes of a leaf, and of a KeyPackage with its leaf. Each stands in every tree, GroupInfo and commit that follows; those of
/// the suites here need a few hundred.
const LIMIT: usize = 4096;

/// What matters of a leaf.
pub(crate) struct LeafNode<'a> {
    pub(crate) identity: &'a [u8],
    pub(crate) signature_key: &'a [u8],
    /// Present in the leaf of a KeyPackage.
    pub(crate) lifetime: Option<(u64, u64)>,
}

impl LeafNode<'_> {
    /// Refuses a leaf whose validity depends on a clock. Leaves of updates and commits have no lifetime.
    pub(crate) fn check_lifetime(&self) -> Result<(), MlsError> {
        match self.lifetime {
            None | Some(UNBOUNDED_LIFETIME) => Ok(()),
            Some(_) => Err(MlsError::NotAllowed(Rule::BoundedLifetime)),
        }
    }
}

/// What matters of a KeyPackage.
pub(crate) struct KeyPackage<'a> {
    pub(crate) suite: u16,
    pub(crate) leaf: LeafNode<'a>,
}

pub(super) fn read_leaf<'a>(reader: &mut Reader<'a>) -> Result<LeafNode<'a>, MlsError> {
    let before = reader.rest().len();
    reader.vector()?; // encryption_key
    let signature_key = reader.vector()?;
    if reader.u16()? != CREDENTIAL_BASIC {
        return Err(MlsError::NotAllowed(Rule::CredentialType));
    }
    let identity = reader.vector()?;
    for _ in 0..5 {
        reader.vector()?; // capabilities: versions, cipher suites, extensions, proposals, credentials
    }
    let lifetime = match reader.u8()? {
        SOURCE_KEY_PACKAGE => Some((reader.u64()?, reader.u64()?)),
        SOURCE_UPDATE => None,
        SOURCE_COMMIT => {
            reader.vector()?; // parent_hash
            None
        }
        _ => return Err(reader.malformed()),
    };
    reader.vector()?; // extensions
    reader.vector()?; // signature
    within_limit(before, reader, "leaf")?;
    Ok(LeafNode {
        identity,
        signature_key,
        lifetime,
    })
}

/// `before` is what was left when the reading began.
fn within_limit(before: usize, reader: &Reader<'_>, what: &'static str) -> Result<(), MlsError> {
    if before - reader.rest().len() > LIMIT {
        return Err(MlsError::TooLarge(what));
    }
    Ok(())
}

/// A KeyPackage whose leaf has the unbounded lifetime.
pub(super) fn read_key_package<'a>(reader: &mut Reader<'a>) -> Result<KeyPackage<'a>, MlsError> {
    let before = reader.rest().len();
    reader.version()?;
    let suite = reader.u16()?;
    reader.vector()?; // init_key
    let leaf = read_leaf(reader)?;
    leaf.check_lifetime()?;
    reader.vector()?; // extensions
    reader.vector()?; // signature
    within_limit(before, reader, "KeyPackage")?;
    Ok(KeyPackage { suite, leaf })
}

/// A KeyPackage inside an MLSMessage, and nothing after it.
pub(crate) fn read_key_package_message(bytes: &[u8]) -> Result<KeyPackage<'_>, MlsError> {
    let mut reader = Reader::new(bytes, "KeyPackage");
    reader.version()?;
    if reader.u16()? != WIRE_FORMAT_KEY_PACKAGE {
        return Err(reader.malformed());
    }
    let key_package = read_key_package(&mut reader)?;
    reader.end()?;
    Ok(key_package)
}

/// The leaf of a ratchet tree that has no other node (RFC 9420, 12.4.3.3).
pub(crate) fn read_single_leaf_tree(bytes: &[u8]) -> Result<LeafNode<'_>, MlsError> {
    let mut reader = Reader::new(bytes, "tree");
    let mut nodes = reader.nested()?;
    reader.end()?;
    if !nodes.present()? || nodes.u8()? != NODE_LEAF {
        return Err(nodes.malformed());
    }
    let leaf = read_leaf(&mut nodes)?;
    if !nodes.is_empty() {
        return Err(MlsError::NotAllowed(Rule::NotANewGroup));
    }
    Ok(leaf)
}
