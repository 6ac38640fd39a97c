//! The context that rides on every request: which device asks, why, and, from the audit trail on, where its chain stands.

mod access;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minicbor::{Decode, Encode};

use self::access::Wire;
use super::authenticated_data::AuditHead;
use super::cbor;
use crate::{DeviceId, FormatError};

pub use self::access::{AccessContext, Disclosure, PurposeOfUse};

const FORMAT: &str = "request context";
const VERSION: u64 = 1;
const LIMIT: usize = 1024;

/// The header `Curo-Context`: unpadded base64url of a CBOR map {0: version 1, 1: device, 2: audit head `[chain, seq, head]`,
/// 3: access context without its disclosure}; unknown keys are ignored. The device is absent until it is registered.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct RequestContext {
    #[n(0)]
    version: u64,
    /// The device that asks.
    #[n(1)]
    pub device: Option<DeviceId>,
    /// The head of its audit chain; absent until the audit trail exists.
    #[n(2)]
    pub audit_head: Option<AuditHead>,
    #[n(3)]
    access: Option<Wire>,
}

impl RequestContext {
    /// The header's name.
    pub const HEADER: &'static str = "curo-context";

    /// The context of a device's request, or of one that registers a device.
    pub const fn new(device: Option<DeviceId>) -> Self {
        Self {
            version: VERSION,
            device,
            audit_head: None,
            access: None,
        }
    }

    /// The same request, made in this access context. Its disclosure stays behind.
    #[must_use]
    pub fn with_access(mut self, access: &AccessContext) -> Self {
        self.access = Some(access.wire(false));
        self
    }

    /// Why the request is made; `None` counts as treatment.
    ///
    /// # Errors
    /// [`FormatError`] if a part is outside its limits.
    pub fn access(&self) -> Result<Option<AccessContext>, FormatError> {
        let Some(wire) = self.access.clone() else {
            return Ok(None);
        };
        AccessContext::from_wire(wire).map(|access| {
            Some(AccessContext {
                disclosure: None,
                ..access
            })
        })
    }

    /// The header's value.
    pub fn to_header(&self) -> String {
        URL_SAFE_NO_PAD.encode(cbor::to_vec(self))
    }

    /// Reads the header's value.
    ///
    /// # Errors
    /// [`FormatError`] for anything but the format in a known version, at most 1 KiB long before base64url.
    pub fn from_header(value: &str) -> Result<Self, FormatError> {
        // Every 4 characters of base64 hold 3 bytes.
        let size = value.len() / 4 * 3;
        if size > LIMIT {
            return Err(FormatError::TooLarge {
                format: FORMAT,
                size,
                limit: LIMIT,
            });
        }
        let bytes = URL_SAFE_NO_PAD
            .decode(value)
            .map_err(|_| FormatError::malformed(FORMAT))?;
        cbor::from_versioned_map(FORMAT, &bytes, LIMIT, VERSION)
    }
}
