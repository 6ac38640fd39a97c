//! 2.1 The identity inside an MLS basic credential (RFC 9420 section 5.3).

use minicbor::{Decode, Encode};

use super::cbor;
use crate::{DeviceId, FormatError, TenantId, UserId};

const FORMAT: &str = "credential";
const VERSION: u64 = 1;
const LIMIT: usize = 256;

/// Who a leaf is: a device of a user of a tenant. CBOR map {0: version 1, 1: tenant, 2: user, 3: device}.
///
/// The signature key beside it is vouched for by the device directory, not by the credential.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Credential {
    #[n(0)]
    version: u64,
    /// The tenant.
    #[n(1)]
    pub tenant: TenantId,
    /// The user.
    #[n(2)]
    pub user: UserId,
    /// The device.
    #[n(3)]
    pub device: DeviceId,
}

impl Credential {
    /// A credential of the current version.
    pub const fn new(tenant: TenantId, user: UserId, device: DeviceId) -> Self {
        Self {
            version: VERSION,
            tenant,
            user,
            device,
        }
    }

    /// The bytes for the MLS credential's identity.
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::to_vec(self)
    }

    /// Reads the identity of an MLS credential.
    ///
    /// # Errors
    /// [`FormatError`] for anything but a credential of a known version, at most 256 bytes long.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        cbor::from_versioned_map(FORMAT, bytes, LIMIT, VERSION)
    }
}
