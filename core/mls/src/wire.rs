//! Reading MLS structures (RFC 9420, sections 6, 7.2, 10 and 12) straight from bytes, without any state.
//!
//! OpenMLS keeps the contents of an unprocessed commit to itself, and the relay and the rules of protocol 3.4 need them
//! first. What is read here decides nothing on signatures; it is stricter than OpenMLS and never laxer in effect, because
//! OpenMLS reads the same bytes again afterwards. Nothing is copied or allocated by a length that the bytes merely claim.

mod frame;
mod group_info;
mod leaf;

pub(crate) use frame::{APPLICATION, Content, Sender, WireMessage, read_message};
pub(crate) use group_info::read_group_info;
pub(crate) use leaf::{LeafNode, UNBOUNDED_LIFETIME, read_key_package_message, read_single_leaf_tree};

use crate::error::MlsError;

/// Extension types that GroupInfo may know (RFC 9420, 17.3).
pub(crate) const EXTENSION_RATCHET_TREE: u16 = 0x0002;
pub(crate) const EXTENSION_EXTERNAL_PUB: u16 = 0x0004;

/// `mls10` (RFC 9420, 6).
const VERSION: u16 = 1;

/// A cursor over bytes; every read checks what is left.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// `what` is named in the error when the bytes do not fit.
    pub(crate) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    pub(crate) fn malformed(&self) -> MlsError {
        MlsError::Malformed(self.what)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], MlsError> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or_else(|| self.malformed())?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], MlsError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| self.malformed())?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, MlsError> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, MlsError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, MlsError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, MlsError> {
        self.array().map(u64::from_be_bytes)
    }

    /// The content of a vector `<V>` (RFC 9420, 2.1.2): a length of 1, 2 or 4 bytes in its shortest form, then as many.
    pub(crate) fn vector(&mut self) -> Result<&'a [u8], MlsError> {
        let first = self.u8()?;
        let (length, least) = match first >> 6 {
            0 => (u32::from(first), 0),
            1 => (u32::from(first & 0x3f) << 8 | u32::from(self.u8()?), 1 << 6),
            2 => {
                let [a, b, c] = self.array()?;
                (u32::from_be_bytes([first & 0x3f, a, b, c]), 1 << 14)
            }
            _ => return Err(self.malformed()),
        };
        if length < least {
            return Err(self.malformed());
        }
        self.take(usize::try_from(length).map_err(|_| self.malformed())?)
    }

    /// Reads the content of a vector `<V>` of structures.
    pub(crate) fn nested(&mut self) -> Result<Reader<'a>, MlsError> {
        Ok(Reader::new(self.vector()?, self.what))
    }

    /// Presence byte of an `optional<T>`.
    pub(crate) fn present(&mut self) -> Result<bool, MlsError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.malformed()),
        }
    }

    /// Reads the protocol version and refuses any but MLS 1.0.
    pub(crate) fn version(&mut self) -> Result<(), MlsError> {
        if self.u16()? == VERSION {
            Ok(())
        } else {
            Err(self.malformed())
        }
    }

    /// Refuses anything after what was read.
    pub(crate) fn end(&self) -> Result<(), MlsError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.malformed())
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn vector(bytes: &[u8]) -> Result<Vec<u8>, MlsError> {
        let mut reader = Reader::new(bytes, "test");
        let content = reader.vector()?.to_vec();
        reader.end()?;
        Ok(content)
    }

    #[test]
    fn vectors_of_every_length_form_are_read() {
        for length in [0_usize, 1, 63, 64, 16_383, 16_384] {
            let mut bytes = match length {
                0..64 => vec![length as u8],
                64..16_384 => (0x4000 | length as u16).to_be_bytes().to_vec(),
                _ => (0x8000_0000 | length as u32).to_be_bytes().to_vec(),
            };
            bytes.extend(vec![7; length]);
            assert_eq!(vector(&bytes).unwrap().len(), length);
        }
    }

    #[test]
    fn lengths_that_lie_are_refused_without_allocating() {
        for bytes in [
            &[0x05, 1, 2][..],            // more claimed than there is
            &[0xbf, 0xff, 0xff, 0xff],    // a gigabyte claimed
            &[0x40, 0x01, 9],             // not the shortest form
            &[0x80, 0x00, 0x00, 0x01, 9], // not the shortest form
            &[0xc0, 0, 0, 0, 0, 0, 0, 0], // eight-byte form, which MLS does not have
            &[0x00, 1],                   // something left over
            &[],
        ] {
            assert!(matches!(vector(bytes), Err(MlsError::Malformed("test"))), "{bytes:?}");
        }
    }
}
