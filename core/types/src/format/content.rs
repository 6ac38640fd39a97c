//! 2.4 What stands inside the ciphertext of a message.

mod kinds;

use std::fmt;

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::cbor;
use crate::{DeviceId, FormatError, MessageId, Text};

pub use kinds::{ContentBody, Priority, TextBody};

const FORMAT: &str = "content";
const VERSION: u64 = 1;

/// The plaintext of a message.
///
/// CBOR map {0: version 1, 1: kind, 2: message id, 3: references, 4: subjects, 5: body,
/// 6: time claimed by the sender in ms}. The body is a byte string that
/// holds the CBOR of the kind; a reader keeps the bytes of kinds that it does not know, so that a later version can show them.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Content {
    #[n(0)]
    version: u64,
    /// What the body is.
    #[n(1)]
    pub kind: Kind,
    /// The message's id: the intent id in the authenticated data, inside the encryption.
    #[n(2)]
    pub message: MessageId,
    /// Messages that this one refers to; the kind says how.
    #[n(3)]
    pub references: Option<Vec<Reference>>,
    /// Patients and other subjects that this one message is about, beyond those of the conversation.
    #[n(4)]
    pub subjects: Option<Vec<Subject>>,
    #[n(5)]
    body: ByteVec,
    /// When the sender says that it was written, milliseconds since 1970 UTC. A claim: nothing is decided by it.
    #[n(6)]
    pub claimed_ms: Option<u64>,
}

/// The kind of a [`Content`]: an open set of short names.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Encode, Decode)]
#[cbor(transparent)]
pub struct Kind(#[n(0)] pub String);

impl Kind {
    /// A text message.
    pub const TEXT: &'static str = "text";
    /// Another text for an earlier message.
    pub const EDIT: &'static str = "edit";
    /// Takes back an earlier message.
    pub const DELETE: &'static str = "delete";
    /// Sets or takes back a reaction.
    pub const REACTION: &'static str = "reaction";
    /// Takes note of an urgent message.
    pub const ACKNOWLEDGEMENT: &'static str = "ack";
    /// Amends an earlier record.
    pub const AMENDMENT: &'static str = "amendment";
    /// Says that deleted messages are gone from a device.
    pub const PURGED: &'static str = "purged";
    /// Asks for read receipts.
    pub const RECEIPT_REQUEST: &'static str = "receipt_request";
}

/// A message that another refers to. Ids are unique only together with the sending device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode)]
#[cbor(array)]
pub struct Reference {
    /// The device that sent it.
    #[n(0)]
    pub sender: DeviceId,
    /// Its id.
    #[n(1)]
    pub message: MessageId,
}

/// An identifier of a patient or another subject in an outside system, as in a FHIR Identifier. PHI: not printable.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Subject {
    /// The naming system, a URI.
    #[n(0)]
    pub system: String,
    /// The value in that system.
    #[n(1)]
    pub value: String,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject(redacted)")
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Content({:?}, {:?}, {} bytes)",
            self.kind.0.len(),
            self.message,
            self.body.len()
        )
    }
}

impl Content {
    /// Largest encoded content: 1 MiB.
    pub const LIMIT: usize = 1024 * 1024;
    /// Longest text of a text message in bytes of UTF-8, so that the encoded content always fits.
    pub const TEXT_LIMIT: usize = Self::LIMIT - 1024;

    /// Longest name of a kind in bytes.
    pub const KIND_LIMIT: usize = 64;
    /// References of one message, at most.
    pub const REFERENCES_LIMIT: usize = 256;
    /// Subjects of one message, at most.
    pub const SUBJECTS_LIMIT: usize = 256;
    /// Longest system and longest value of a subject in bytes of UTF-8.
    pub const SUBJECT_PART_LIMIT: usize = 1024;

    /// A text message.
    ///
    /// # Errors
    /// [`FormatError::TooLarge`] over [`Content::TEXT_LIMIT`].
    pub fn text(message: MessageId, text: &Text) -> Result<Self, FormatError> {
        Self::of(
            message,
            &ContentBody::Text(TextBody {
                text: text.clone(),
                ..TextBody::default()
            }),
        )
    }

    /// A content of any kind, with the kind's CBOR as body.
    pub fn of_kind(kind: &str, message: MessageId, body: Vec<u8>) -> Self {
        Self {
            version: VERSION,
            kind: Kind(kind.to_owned()),
            message,
            references: None,
            subjects: None,
            body: body.into(),
            claimed_ms: None,
        }
    }

    /// The text of a text message; `None` for another kind or a body that is not one.
    pub fn as_text(&self) -> Option<Text> {
        match self.typed() {
            ContentBody::Text(body) => Some(body.text),
            _ => None,
        }
    }

    /// The kind's own CBOR.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The plaintext to encrypt.
    ///
    /// # Errors
    /// [`FormatError::TooLarge`] over 1 MiB; [`FormatError::Invalid`] over another limit.
    pub fn to_bytes(&self) -> Result<Vec<u8>, FormatError> {
        self.check_shape()?;
        let bytes = cbor::to_vec(self);
        if bytes.len() > Self::LIMIT {
            return Err(FormatError::TooLarge {
                format: FORMAT,
                size: bytes.len(),
                limit: Self::LIMIT,
            });
        }
        Ok(bytes)
    }

    /// Reads a decrypted plaintext.
    ///
    /// # Errors
    /// [`FormatError`] for anything but the format in a known version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        let content: Self = cbor::from_versioned_map(FORMAT, bytes, Self::LIMIT, VERSION)?;
        content.check_shape()?;
        Ok(content)
    }

    fn check_shape(&self) -> Result<(), FormatError> {
        let invalid = |reason| Err(FormatError::invalid(FORMAT, reason));
        if !(1..=Self::KIND_LIMIT).contains(&self.kind.0.len()) {
            return invalid("the kind's name has 1 to 64 bytes");
        }
        if self
            .references
            .as_ref()
            .is_some_and(|references| references.len() > Self::REFERENCES_LIMIT)
        {
            return invalid("more than 256 references");
        }
        let Some(subjects) = &self.subjects else {
            return Ok(());
        };
        let part = |text: &str| (1..=Self::SUBJECT_PART_LIMIT).contains(&text.len());
        if subjects.len() > Self::SUBJECTS_LIMIT || !subjects.iter().all(|s| part(&s.system) && part(&s.value)) {
            return invalid("at most 256 subjects, each system and value of 1 to 1024 bytes");
        }
        Ok(())
    }
}
