//! Why somebody looks at, hands on or administers something: what an app says about a call, for the audit trail.

use std::borrow::Cow;
use std::fmt;

use minicbor::{Decode, Encode};

use super::super::cbor;
use crate::{FormatError, Text, UserId};

const FORMAT: &str = "access context";
const LIMIT: usize = 16 * 1024;
/// Limit of codes and roles, bytes.
const CODE_LIMIT: usize = 64;
/// Limit of each text of a disclosure, bytes.
const TEXT_LIMIT: usize = 2048;

/// A purpose of use, by its code in HL7 v3 ActReason. An open set: tenants may have codes of their own.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PurposeOfUse(Cow<'static, str>);

impl PurposeOfUse {
    /// Treatment: what a call has unless told otherwise.
    pub const TREAT: Self = Self(Cow::Borrowed("TREAT"));
    /// Emergency treatment.
    pub const ETREAT: Self = Self(Cow::Borrowed("ETREAT"));
    /// Break the glass: access that the role alone does not give.
    pub const BTG: Self = Self(Cow::Borrowed("BTG"));
    /// Payment.
    pub const HPAYMT: Self = Self(Cow::Borrowed("HPAYMT"));
    /// Health care operations.
    pub const HOPERAT: Self = Self(Cow::Borrowed("HOPERAT"));
    /// At the patient's request.
    pub const PATRQT: Self = Self(Cow::Borrowed("PATRQT"));
    /// Public health.
    pub const PUBHLTH: Self = Self(Cow::Borrowed("PUBHLTH"));
    /// Research.
    pub const HRESCH: Self = Self(Cow::Borrowed("HRESCH"));
    /// Legal matters.
    pub const HLEGAL: Self = Self(Cow::Borrowed("HLEGAL"));

    /// A purpose by its code: 1 to 64 letters `A-Z`, digits and `_`.
    ///
    /// # Errors
    /// [`FormatError`] for another form.
    pub fn new(code: impl Into<String>) -> Result<Self, FormatError> {
        let code = code.into();
        let formed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        if (1..=CODE_LIMIT).contains(&code.len()) && code.bytes().all(formed) {
            Ok(Self(Cow::Owned(code)))
        } else {
            Err(FormatError::invalid(
                FORMAT,
                "a purpose of use has 1 to 64 of A-Z, 0-9 and _",
            ))
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for PurposeOfUse {
    fn default() -> Self {
        Self::TREAT
    }
}

/// What is handed to somebody outside (45 CFR 164.528: an accounting of disclosures names date, recipient, what and why).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Disclosure {
    /// Who receives it.
    pub recipient: Text,
    /// Their address, if known.
    pub address: Option<Text>,
    /// What is disclosed, in short.
    pub description: Text,
    /// Why, or a copy of the request.
    pub purpose: Text,
    /// Whether it belongs into the accounting; disclosures for treatment, payment and operations do not.
    pub accountable: bool,
}

/// What an app says about a call that releases, exports, forwards or administers. Without one a call counts as treatment.
///
/// Purpose, role, reason and the person stood in for go to the relay with what is administered there; they must not name
/// a patient. A disclosure never leaves the device in the open.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AccessContext {
    /// The purpose of use.
    pub purpose_of_use: PurposeOfUse,
    /// The role in which the person acts, as the app names it: 1 to 64 bytes.
    pub role: Option<String>,
    /// A code of the tenant for the reason, as a break-glass dialog offers them: 1 to 64 bytes.
    pub reason_code: Option<String>,
    /// The user in whose stead the person acts.
    pub on_behalf_of: Option<UserId>,
    /// What is disclosed to whom, where something is.
    pub disclosure: Option<Disclosure>,
}

/// {0: purpose, 1: role, 2: reason code, 3: on behalf of, 4: disclosure}.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Wire {
    #[n(0)]
    purpose: String,
    #[n(1)]
    role: Option<String>,
    #[n(2)]
    reason_code: Option<String>,
    #[n(3)]
    on_behalf_of: Option<UserId>,
    #[n(4)]
    disclosure: Option<WireDisclosure>,
}

/// [recipient, address or null, description, purpose, accountable].
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
struct WireDisclosure {
    #[n(0)]
    recipient: String,
    #[n(1)]
    address: Option<String>,
    #[n(2)]
    description: String,
    #[n(3)]
    purpose: String,
    #[n(4)]
    accountable: bool,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("access context")
    }
}

impl AccessContext {
    /// A context with this purpose and nothing else.
    pub fn purpose(purpose_of_use: PurposeOfUse) -> Self {
        Self {
            purpose_of_use,
            ..Self::default()
        }
    }

    /// Whether every part is within its limits.
    ///
    /// # Errors
    /// [`FormatError`] naming the part.
    pub fn check(&self) -> Result<(), FormatError> {
        let code = |text: &Option<String>| {
            text.as_ref()
                .is_none_or(|text| (1..=CODE_LIMIT).contains(&text.len()) && !text.chars().any(char::is_control))
        };
        if !code(&self.role) || !code(&self.reason_code) {
            return Err(FormatError::invalid(FORMAT, "role and reason code have 1 to 64 bytes"));
        }
        let text = |text: &Text| (1..=TEXT_LIMIT).contains(&text.len());
        let disclosed = self.disclosure.as_ref().is_none_or(|disclosure| {
            text(&disclosure.recipient)
                && disclosure.address.as_ref().is_none_or(text)
                && text(&disclosure.description)
                && text(&disclosure.purpose)
        });
        if disclosed {
            Ok(())
        } else {
            Err(FormatError::invalid(
                FORMAT,
                "texts of a disclosure have 1 to 2048 bytes",
            ))
        }
    }

    /// As the device keeps it beside an intent: the whole of it.
    pub fn to_bytes(&self) -> Vec<u8> {
        cbor::to_vec(&self.wire(true))
    }

    /// Reads what [`AccessContext::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`FormatError`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        Self::from_wire(cbor::from_open_map(FORMAT, bytes, LIMIT)?)
    }

    /// What goes on the wire in the open has no disclosure.
    pub(super) fn wire(&self, disclosure: bool) -> Wire {
        let text = |text: &Text| text.as_str().to_owned();
        Wire {
            purpose: self.purpose_of_use.as_str().to_owned(),
            role: self.role.clone(),
            reason_code: self.reason_code.clone(),
            on_behalf_of: self.on_behalf_of,
            disclosure: self
                .disclosure
                .as_ref()
                .filter(|_| disclosure)
                .map(|disclosure| WireDisclosure {
                    recipient: text(&disclosure.recipient),
                    address: disclosure.address.as_ref().map(text),
                    description: text(&disclosure.description),
                    purpose: text(&disclosure.purpose),
                    accountable: disclosure.accountable,
                }),
        }
    }

    pub(super) fn from_wire(wire: Wire) -> Result<Self, FormatError> {
        let context = Self {
            purpose_of_use: PurposeOfUse::new(wire.purpose)?,
            role: wire.role,
            reason_code: wire.reason_code,
            on_behalf_of: wire.on_behalf_of,
            disclosure: wire.disclosure.map(|disclosure| Disclosure {
                recipient: disclosure.recipient.into(),
                address: disclosure.address.map(Text::from),
                description: disclosure.description.into(),
                purpose: disclosure.purpose.into(),
                accountable: disclosure.accountable,
            }),
        };
        context.check()?;
        Ok(context)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn export() -> AccessContext {
        AccessContext {
            purpose_of_use: PurposeOfUse::PATRQT,
            role: Some("privacy-officer".into()),
            reason_code: Some("copy".into()),
            on_behalf_of: Some(UserId([7; 16])),
            disclosure: Some(Disclosure {
                recipient: "Dr. Grey".into(),
                address: None,
                description: "messages of May".into(),
                purpose: "the patient asked for it".into(),
                accountable: true,
            }),
        }
    }

    #[test]
    fn it_comes_back_whole_and_shows_no_disclosure() {
        assert_eq!(AccessContext::from_bytes(&export().to_bytes()).unwrap(), export());
        let none = AccessContext::default();
        assert_eq!(none.purpose_of_use.as_str(), "TREAT");
        assert_eq!(AccessContext::from_bytes(&none.to_bytes()).unwrap(), none);
        assert!(!format!("{:?}", export()).contains("Grey"));
        assert!(export().wire(false).disclosure.is_none());
    }

    #[test]
    fn what_is_outside_its_limits_is_refused() {
        for code in ["", "treat", "A B", &"A".repeat(65)] {
            assert!(PurposeOfUse::new(code).is_err(), "{code}");
        }
        let broken = [
            AccessContext {
                role: Some(String::new()),
                ..export()
            },
            AccessContext {
                reason_code: Some("x".repeat(65)),
                ..export()
            },
            AccessContext {
                role: Some("a\nb".into()),
                ..export()
            },
            AccessContext {
                disclosure: export().disclosure.map(|d| Disclosure {
                    recipient: "x".repeat(2049).into(),
                    ..d
                }),
                ..export()
            },
        ];
        for context in broken {
            assert!(context.check().is_err());
            assert!(AccessContext::from_bytes(&context.to_bytes()).is_err());
        }
    }
}
