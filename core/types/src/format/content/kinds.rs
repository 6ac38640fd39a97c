//! The kinds of content that this version knows, typed (rule book 2.4, 8.4; `docs/protocol.md` 2.13).
//!
//! A content that is of another kind, or whose body is not what its kind says, is [`ContentBody::Unsupported`]: it is kept
//! and shown as such, never dropped.

use minicbor::{Decode, Encode};

use super::{Content, FORMAT, Kind, Reference};
use crate::format::cbor;
use crate::{FormatError, MessageId, Text, UserId};

/// How soon a message wants to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// As any message.
    #[default]
    Routine,
    /// Soon. Readers are asked to acknowledge it.
    Urgent,
    /// At once (Latin *statim*). Readers are asked to acknowledge it.
    Stat,
}

/// What a content says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentBody {
    /// A message of text.
    Text(TextBody),
    /// Another text for an earlier message of the same user.
    Edit {
        /// The message.
        target: Reference,
        /// What it says from now on.
        text: Text,
        /// Who is mentioned from now on.
        mentions: Vec<UserId>,
    },
    /// Takes back an earlier message of the same user.
    Delete {
        /// The message.
        target: Reference,
    },
    /// Sets or takes back one reaction of a user to a message.
    Reaction {
        /// The message.
        target: Reference,
        /// The reaction: an emoji, or another short text.
        emoji: Text,
        /// Whether it is set.
        set: bool,
    },
    /// A user has taken note of an urgent message.
    Acknowledgement {
        /// The message.
        target: Reference,
    },
    /// A record that amends an earlier one (45 CFR 164.526): it stands beside the original and changes nothing of it.
    Amendment {
        /// The original.
        target: Reference,
        /// What it says.
        text: Text,
        /// Who is mentioned.
        mentions: Vec<UserId>,
    },
    /// The sending device no longer has these messages, because they were deleted.
    Purged {
        /// The messages.
        targets: Vec<Reference>,
    },
    /// Asks the members of a big conversation to say how far they have read (rule 8.3).
    ReceiptRequest,
    /// Another kind, or a known one whose body cannot be read.
    Unsupported,
}

/// A message of text.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TextBody {
    /// The text.
    pub text: Text,
    /// Users that it mentions.
    pub mentions: Vec<UserId>,
    /// How soon it wants to be seen.
    pub priority: Priority,
    /// The message that it answers.
    pub reply_to: Option<Reference>,
    /// The message whose thread it is in.
    pub thread: Option<Reference>,
}

/// Body of `text`. Absent keys: nobody is mentioned, routine, no reply, no thread.
#[derive(Encode, Decode, Default)]
#[cbor(map)]
struct TextMap {
    #[n(0)]
    text: String,
    #[n(1)]
    mentions: Option<Vec<UserId>>,
    #[n(2)]
    priority: Option<u64>,
    /// Position in the content's references.
    #[n(3)]
    reply_to: Option<u64>,
    /// Position in the content's references.
    #[n(4)]
    thread: Option<u64>,
}

/// Body of `edit` and `amendment`.
#[derive(Encode, Decode)]
#[cbor(map)]
struct WordsMap {
    #[n(0)]
    text: String,
    #[n(1)]
    mentions: Option<Vec<UserId>>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct ReactionMap {
    #[n(0)]
    emoji: String,
    #[n(1)]
    set: bool,
}

/// Body of kinds that say all by their references.
#[derive(Encode, Decode)]
#[cbor(map)]
struct EmptyMap {}

impl Content {
    /// Longest emoji of a reaction in bytes of UTF-8; none is shorter than one.
    pub const EMOJI_LIMIT: usize = 64;
    /// Users that one message mentions, at most.
    pub const MENTIONS_LIMIT: usize = 64;

    /// A content of a known kind.
    ///
    /// # Errors
    /// [`FormatError::TooLarge`] for a text over [`Content::TEXT_LIMIT`]; [`FormatError::Invalid`] over another limit, and
    /// for [`ContentBody::Unsupported`], which nobody can write.
    pub fn of(message: MessageId, body: &ContentBody) -> Result<Self, FormatError> {
        let mut references = Vec::new();
        let (kind, bytes) = match body {
            ContentBody::Text(body) => {
                let mut position = |reference: Option<Reference>| {
                    reference.map(|reference| {
                        let known = references.iter().position(|known| *known == reference);
                        known.unwrap_or_else(|| {
                            references.push(reference);
                            references.len() - 1
                        }) as u64
                    })
                };
                let map = TextMap {
                    text: checked_text(&body.text)?,
                    mentions: checked_mentions(&body.mentions)?,
                    priority: match body.priority {
                        Priority::Routine => None,
                        Priority::Urgent => Some(1),
                        Priority::Stat => Some(2),
                    },
                    reply_to: position(body.reply_to),
                    thread: position(body.thread),
                };
                (Kind::TEXT, cbor::to_vec(&map))
            }
            ContentBody::Edit { target, text, mentions } => {
                references.push(*target);
                (Kind::EDIT, words(text, mentions)?)
            }
            ContentBody::Amendment { target, text, mentions } => {
                references.push(*target);
                (Kind::AMENDMENT, words(text, mentions)?)
            }
            ContentBody::Delete { target } => {
                references.push(*target);
                (Kind::DELETE, cbor::to_vec(&EmptyMap {}))
            }
            ContentBody::Acknowledgement { target } => {
                references.push(*target);
                (Kind::ACKNOWLEDGEMENT, cbor::to_vec(&EmptyMap {}))
            }
            ContentBody::Reaction { target, emoji, set } => {
                if !(1..=Self::EMOJI_LIMIT).contains(&emoji.len()) {
                    return Err(FormatError::invalid(FORMAT, "an emoji has 1 to 64 bytes"));
                }
                references.push(*target);
                let (emoji, set) = (emoji.as_str().to_owned(), *set);
                (Kind::REACTION, cbor::to_vec(&ReactionMap { emoji, set }))
            }
            ContentBody::Purged { targets } => {
                if targets.is_empty() {
                    return Err(FormatError::invalid(FORMAT, "a receipt names what was purged"));
                }
                references.clone_from(targets);
                (Kind::PURGED, cbor::to_vec(&EmptyMap {}))
            }
            ContentBody::ReceiptRequest => (Kind::RECEIPT_REQUEST, cbor::to_vec(&EmptyMap {})),
            ContentBody::Unsupported => return Err(FormatError::invalid(FORMAT, "no kind")),
        };
        let mut content = Self::of_kind(kind, message, bytes);
        content.references = (!references.is_empty()).then_some(references);
        content.check_shape()?;
        Ok(content)
    }

    /// What it says. [`ContentBody::Unsupported`] for a kind that is not known here, and for a body or references that are not
    /// what the kind says.
    pub fn typed(&self) -> ContentBody {
        self.read_typed().unwrap_or(ContentBody::Unsupported)
    }

    fn read_typed(&self) -> Option<ContentBody> {
        let references = self.references.as_deref().unwrap_or_default();
        Some(match self.kind.0.as_str() {
            Kind::TEXT => {
                let map: TextMap = self.read_body()?;
                let at = |position: Option<u64>| match position {
                    None => Some(None),
                    Some(position) => references.get(usize::try_from(position).ok()?).copied().map(Some),
                };
                ContentBody::Text(TextBody {
                    text: limited(map.text)?,
                    mentions: read_mentions(map.mentions)?,
                    priority: match map.priority {
                        None => Priority::Routine,
                        Some(0) => return None,
                        Some(1) => Priority::Urgent,
                        // A level that a later version puts above these is no reason to wait.
                        Some(_) => Priority::Stat,
                    },
                    reply_to: at(map.reply_to)?,
                    thread: at(map.thread)?,
                })
            }
            Kind::EDIT => {
                let (target, text, mentions) = self.read_words(references)?;
                ContentBody::Edit { target, text, mentions }
            }
            Kind::AMENDMENT => {
                let (target, text, mentions) = self.read_words(references)?;
                ContentBody::Amendment { target, text, mentions }
            }
            Kind::DELETE => {
                let EmptyMap {} = self.read_body()?;
                ContentBody::Delete {
                    target: only(references)?,
                }
            }
            Kind::ACKNOWLEDGEMENT => {
                let EmptyMap {} = self.read_body()?;
                ContentBody::Acknowledgement {
                    target: only(references)?,
                }
            }
            Kind::REACTION => {
                let ReactionMap { emoji, set } = self.read_body()?;
                if !(1..=Self::EMOJI_LIMIT).contains(&emoji.len()) {
                    return None;
                }
                ContentBody::Reaction {
                    target: only(references)?,
                    emoji: Text::new(emoji),
                    set,
                }
            }
            Kind::PURGED if !references.is_empty() => {
                let EmptyMap {} = self.read_body()?;
                ContentBody::Purged {
                    targets: references.to_vec(),
                }
            }
            Kind::RECEIPT_REQUEST if references.is_empty() => {
                let EmptyMap {} = self.read_body()?;
                ContentBody::ReceiptRequest
            }
            _ => return None,
        })
    }

    fn read_words(&self, references: &[Reference]) -> Option<(Reference, Text, Vec<UserId>)> {
        let map: WordsMap = self.read_body()?;
        Some((only(references)?, limited(map.text)?, read_mentions(map.mentions)?))
    }

    fn read_body<T>(&self) -> Option<T>
    where
        T: for<'b> Decode<'b, ()> + Encode<()>,
    {
        cbor::from_open_map(FORMAT, self.body(), Self::LIMIT).ok()
    }
}

fn words(text: &Text, mentions: &[UserId]) -> Result<Vec<u8>, FormatError> {
    Ok(cbor::to_vec(&WordsMap {
        text: checked_text(text)?,
        mentions: checked_mentions(mentions)?,
    }))
}

fn checked_text(text: &Text) -> Result<String, FormatError> {
    if text.len() > Content::TEXT_LIMIT {
        return Err(FormatError::TooLarge {
            format: FORMAT,
            size: text.len(),
            limit: Content::TEXT_LIMIT,
        });
    }
    Ok(text.as_str().to_owned())
}

fn checked_mentions(mentions: &[UserId]) -> Result<Option<Vec<UserId>>, FormatError> {
    if mentions.len() > Content::MENTIONS_LIMIT {
        return Err(FormatError::invalid(FORMAT, "more than 64 mentions"));
    }
    Ok((!mentions.is_empty()).then(|| mentions.to_vec()))
}

fn limited(text: String) -> Option<Text> {
    let text = Text::new(text);
    (text.len() <= Content::TEXT_LIMIT).then_some(text)
}

fn read_mentions(mentions: Option<Vec<UserId>>) -> Option<Vec<UserId>> {
    match mentions {
        None => Some(Vec::new()),
        Some(list) => (1..=Content::MENTIONS_LIMIT).contains(&list.len()).then_some(list),
    }
}

fn only(references: &[Reference]) -> Option<Reference> {
    match references {
        [only] => Some(*only),
        _ => None,
    }
}
