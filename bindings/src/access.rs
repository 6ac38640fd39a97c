//! Why a call is made. It rides on handles: see the client's and the conversation's with_access.

use curo::{PurposeOfUse, UserId};

use crate::error::{CuroError, Result};

/// What is handed to somebody outside (45 CFR 164.528).
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct Disclosure {
    /// Who receives it.
    pub recipient: String,
    /// Their address, if known.
    #[uniffi(default = None)]
    pub address: Option<String>,
    /// What is disclosed, in short.
    pub description: String,
    /// Why, or a copy of the request.
    pub purpose: String,
    /// Whether it belongs into the accounting; disclosures for treatment, payment and operations do not.
    pub accountable: bool,
}

/// What an app says about calls that release, export, forward or administer. Without one a call counts as treatment.
///
/// Purpose, role, reason and the person stood in for may reach the relay: they must not name a patient. A disclosure never
/// leaves the device in the open.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct AccessContext {
    /// The purpose of use, by its code in HL7 v3 ActReason: TREAT, ETREAT, BTG, HPAYMT, HOPERAT, PATRQT, PUBHLTH, HRESCH,
    /// HLEGAL, or one of the tenant's own; 1 to 64 of A-Z, digits and underscores.
    pub purpose_of_use: String,
    /// The role in which the person acts, as the app names it: 1 to 64 bytes.
    #[uniffi(default = None)]
    pub role: Option<String>,
    /// A code of the tenant for the reason, as a break-glass dialog offers them: 1 to 64 bytes.
    #[uniffi(default = None)]
    pub reason_code: Option<String>,
    /// The user in whose stead the person acts.
    #[uniffi(default = None)]
    pub on_behalf_of: Option<UserId>,
    /// What is disclosed to whom, where something is.
    #[uniffi(default = None)]
    pub disclosure: Option<Disclosure>,
}

impl AccessContext {
    pub(crate) fn into_core(self) -> Result<curo::AccessContext> {
        let Self {
            purpose_of_use,
            role,
            reason_code,
            on_behalf_of,
            disclosure,
        } = self;
        Ok(curo::AccessContext {
            purpose_of_use: PurposeOfUse::new(purpose_of_use).map_err(|_| CuroError::invalid())?,
            role,
            reason_code,
            on_behalf_of,
            disclosure: disclosure.map(Into::into),
        })
    }
}

impl From<&curo::AccessContext> for AccessContext {
    fn from(access: &curo::AccessContext) -> Self {
        let curo::AccessContext {
            purpose_of_use,
            role,
            reason_code,
            on_behalf_of,
            disclosure,
        } = access.clone();
        Self {
            purpose_of_use: purpose_of_use.as_str().to_owned(),
            role,
            reason_code,
            on_behalf_of,
            disclosure: disclosure.map(Into::into),
        }
    }
}

impl From<Disclosure> for curo::Disclosure {
    fn from(disclosure: Disclosure) -> Self {
        let Disclosure {
            recipient,
            address,
            description,
            purpose,
            accountable,
        } = disclosure;
        Self {
            recipient: recipient.into(),
            address: address.map(Into::into),
            description: description.into(),
            purpose: purpose.into(),
            accountable,
        }
    }
}

impl From<curo::Disclosure> for Disclosure {
    fn from(disclosure: curo::Disclosure) -> Self {
        let curo::Disclosure {
            recipient,
            address,
            description,
            purpose,
            accountable,
        } = disclosure;
        Self {
            recipient: recipient.into_string(),
            address: address.map(curo::Text::into_string),
            description: description.into_string(),
            purpose: purpose.into_string(),
            accountable,
        }
    }
}
