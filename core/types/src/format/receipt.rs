//! 2.20 Read receipts: what a device says that it has read, signed, and what binds the sealed form to its place.
//!
//! Knows neither keys nor ciphers: the client seals what is encoded here.

use std::fmt;

use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::{Decode, Encode};

use super::cbor;
use crate::{ConversationId, DeviceId, FormatError, TenantId};

const FORMAT: &str = "receipt";
const VERSION: u64 = 1;

/// A watermark: the device has shown its user every entry up to `seq`.
///
/// CBOR map {0: version 1, 1: sequence number, 2: time of reading in ms, 3: signature}. Both numbers are byte strings of 8
/// bytes, big-endian, so that the length of the sealed form says nothing of them.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Receipt {
    #[n(0)]
    version: u64,
    #[n(1)]
    seq: ByteArray<8>,
    #[n(2)]
    read_ms: ByteArray<8>,
    #[n(3)]
    signature: ByteVec,
}

/// Whose receipt it is and where it belongs: all that the relay knows of it too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReceiptPlace<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The incarnation that the sequence number counts in.
    pub incarnation: u64,
    /// The epoch whose key seals it.
    pub epoch: u64,
    /// The device that has read.
    pub device: DeviceId,
}

impl ReceiptPlace<'_> {
    /// The label of the MLS exporter (RFC 9420, 8.5) that gives an epoch's key; its context is empty, its length 32.
    pub const EXPORT_LABEL: &'static str = "curo receipt v1";

    /// What the device signs: `["curo receipt v1", tenant, conversation, incarnation, epoch, device, seq, time of reading]`.
    pub fn signed_bytes(&self, seq: u64, read_ms: u64) -> Vec<u8> {
        cbor::array(8, |e| {
            e.str("curo receipt v1")?
                .str(self.tenant.as_str())?
                .bytes(&self.conversation.0)?
                .u64(self.incarnation)?
                .u64(self.epoch)?
                .bytes(&self.device.0)?
                .u64(seq)?
                .u64(read_ms)?
                .ok()
        })
    }

    /// The associated data of the sealed form: `["curo receipt seal v1", tenant, conversation, incarnation, epoch, device]`.
    pub fn associated_data(&self) -> Vec<u8> {
        cbor::array(6, |e| {
            e.str("curo receipt seal v1")?
                .str(self.tenant.as_str())?
                .bytes(&self.conversation.0)?
                .u64(self.incarnation)?
                .u64(self.epoch)?
                .bytes(&self.device.0)?
                .ok()
        })
    }
}

impl Receipt {
    /// Longest encoded receipt, before it is sealed.
    pub const LIMIT: usize = 160;

    /// A receipt with the device's signature over [`ReceiptPlace::signed_bytes`].
    pub fn new(seq: u64, read_ms: u64, signature: Vec<u8>) -> Self {
        Self {
            version: VERSION,
            seq: seq.to_be_bytes().into(),
            read_ms: read_ms.to_be_bytes().into(),
            signature: signature.into(),
        }
    }

    /// Sequence number of the last entry that was read.
    pub fn seq(&self) -> u64 {
        u64::from_be_bytes(*self.seq)
    }

    /// When the device says that it was read, milliseconds since 1970 UTC.
    pub fn read_ms(&self) -> u64 {
        u64::from_be_bytes(*self.read_ms)
    }

    /// The signature, as RFC 9420 encodes it for the suite.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The bytes to seal.
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::to_vec(self)
    }

    /// Reads opened bytes.
    ///
    /// # Errors
    /// [`FormatError`] for anything but the format in a known version, at most 160 bytes long.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        cbor::from_versioned_map(FORMAT, bytes, Self::LIMIT, VERSION)
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receipt(up to {})", self.seq())
    }
}
