//! Ids. All but the tenant's are random 128-bit values made by whoever creates the thing; in text they are 32 lower-case
//! hexadecimal digits, in CBOR byte strings of 16 bytes. They name things and say nothing about people, so they may be logged.

use std::fmt;
use std::str::FromStr;

use minicbor::{Decode, Decoder, Encode, Encoder};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::FormatError;

macro_rules! bytes_type {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// The raw bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// From raw bytes of exactly the right length.
            ///
            /// # Errors
            /// [`FormatError::Malformed`] for any other length.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, FormatError> {
                bytes.try_into().map(Self).map_err(|_| FormatError::malformed(stringify!($name)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = FormatError;

            fn from_str(text: &str) -> Result<Self, FormatError> {
                let mut bytes = [0; $len];
                let lower = !text.bytes().any(|b| b.is_ascii_uppercase());
                if lower && hex::decode_to_slice(text, &mut bytes).is_ok() {
                    Ok(Self(bytes))
                } else {
                    Err(FormatError::malformed(stringify!($name)))
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                d.bytes()?
                    .try_into()
                    .map(Self)
                    .map_err(|_| minicbor::decode::Error::message(concat!(stringify!($name), ": wrong length")))
            }
        }
    };
}

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        bytes_type!($(#[$doc])* $name, 16);

        impl $name {
            /// A new random id from the operating system's generator.
            ///
            /// # Panics
            /// Where the operating system has no randomness to give, which no later step could survive either.
            pub fn random() -> Self {
                Self(random_bytes())
            }
        }
    };
}

#[expect(clippy::expect_used, reason = "without randomness no key and no id can be made")]
fn random_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}

random_id!(
    /// A user. Minted by the relay for the identity provider's subject; never reused.
    UserId
);
random_id!(
    /// A device: one (installation, user profile). Made by the device.
    DeviceId
);
random_id!(
    /// A local profile of an installation, bound to (tenant, user) at the first sign-in. Never leaves the device.
    ProfileId
);
random_id!(
    /// A conversation. Random, but for a direct one ([`ConversationId::direct`]).
    ConversationId
);
random_id!(
    /// What the user asked for: one outbox row, for life. It is also the idempotency key and, for a message, its id.
    IntentId
);
random_id!(
    /// A message's id: the id of the intent that sent it. Unique together with the sending device.
    MessageId
);
random_id!(
    /// An MLS group: one incarnation of a conversation.
    GroupId
);
random_id!(
    /// A relay's store. A restored store has another.
    StoreId
);
random_id!(
    /// One claim of KeyPackages; the same claim again reads the same KeyPackages.
    ClaimId
);
random_id!(
    /// A device's audit chain.
    ChainId
);
bytes_type!(
    /// A SHA-256 digest.
    Digest,
    32
);

impl Digest {
    /// 32 zero bytes: what stands before the first entry of a log.
    pub const ZERO: Self = Self([0; 32]);

    /// SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl From<IntentId> for MessageId {
    fn from(id: IntentId) -> Self {
        Self(id.0)
    }
}

impl From<MessageId> for IntentId {
    fn from(id: MessageId) -> Self {
        Self(id.0)
    }
}

impl ConversationId {
    /// The id of the direct conversation of two users, the same whoever computes it:
    /// the first 16 bytes of SHA-256 over canonical CBOR `["curo direct v1", tenant, smaller user, larger user]`.
    pub fn direct(tenant: &TenantId, a: UserId, b: UserId) -> Self {
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        let bytes = crate::format::cbor::array(4, |e| {
            e.str("curo direct v1")?
                .str(tenant.as_str())?
                .bytes(&low.0)?
                .bytes(&high.0)?
                .ok()
        });
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(Digest::of(&bytes).0) {
            *to = from;
        }
        Self(id)
    }
}

/// A tenant: a covered entity or its unit. 1 to 63 characters of `a-z`, `0-9` and inner `-`, chosen by the operator.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Box<str>);

impl TenantId {
    /// Checks and wraps a tenant's name.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] for a name outside the alphabet or length.
    pub fn new(name: &str) -> Result<Self, FormatError> {
        let alphabet = name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if alphabet && (1..=63).contains(&name.len()) && !name.starts_with('-') && !name.ends_with('-') {
            Ok(Self(name.into()))
        } else {
            Err(FormatError::invalid(
                "TenantId",
                "a tenant is 1 to 63 characters of a-z, 0-9 and inner hyphens",
            ))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantId({})", self.0)
    }
}

impl FromStr for TenantId {
    type Err = FormatError;

    fn from_str(name: &str) -> Result<Self, FormatError> {
        Self::new(name)
    }
}

impl Serialize for TenantId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TenantId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::new(&name).map_err(serde::de::Error::custom)
    }
}

impl<C> Encode<C> for TenantId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for TenantId {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::new(d.str()?).map_err(|_| minicbor::decode::Error::message("TenantId"))
    }
}

/// An MLS cipher suite (RFC 9420 section 17.1). Stored and sent with everything that depends on it, never assumed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, Encode, Decode)]
#[serde(transparent)]
#[cbor(transparent)]
pub struct SuiteId(#[n(0)] pub u16);

impl SuiteId {
    /// `MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519`.
    pub const MLS_128_X25519_AES128GCM_SHA256_ED25519: Self = Self(0x0001);
    /// `MLS_128_DHKEMP256_AES128GCM_SHA256_P256`.
    pub const MLS_128_P256_AES128GCM_SHA256_P256: Self = Self(0x0002);
}

impl fmt::Display for SuiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:04x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn ids_are_lower_case_hex_in_text() {
        let id = UserId([0xab; 16]);
        assert_eq!(id.to_string(), "ab".repeat(16));
        assert_eq!(id.to_string().parse::<UserId>().unwrap(), id);
        for bad in ["", "ab", &"AB".repeat(16), &"zz".repeat(16), &"ab".repeat(17)] {
            assert!(bad.parse::<UserId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn tenants_have_a_small_alphabet() {
        assert!(TenantId::new("st-mary-2").is_ok());
        for bad in ["", "-a", "a-", "St", "a b", "a/b", "ä", &"a".repeat(64)] {
            assert!(TenantId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn both_sides_name_the_same_direct_conversation() {
        let tenant = TenantId::new("st-mary").unwrap();
        let (a, b) = (UserId([1; 16]), UserId([2; 16]));
        assert_eq!(
            ConversationId::direct(&tenant, a, b),
            ConversationId::direct(&tenant, b, a)
        );
        assert_ne!(
            ConversationId::direct(&tenant, a, b),
            ConversationId::direct(&TenantId::new("st-luke").unwrap(), a, b)
        );
    }
}
