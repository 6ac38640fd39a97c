//! The steps of a scenario file, as they are written.

use serde::Deserialize;

use super::{Spanned, Word};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Say(Word),
    Create(Create),
    Direct(Direct),
    Send(Send),
    Edit(Edit),
    Delete(OfMessage),
    Acknowledge(OfMessage),
    Search(Search),
    Offline(Word),
    Online(Word),
    Lock(Word),
    Unlock(Word),
    SignOut(SignOut),
    HandOver(HandOver),
    Add(Change),
    Remove(Change),
    Restart(Word),
    Expect(Expect),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    pub(crate) conversation: Word,
    pub(crate) by: Word,
    pub(crate) with: Spanned<Vec<Word>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Direct {
    pub(crate) conversation: Word,
    pub(crate) by: Word,
    pub(crate) with: Word,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Send {
    pub(crate) who: Word,
    #[serde(rename = "where")]
    pub(crate) place: Word,
    pub(crate) text: Word,
    /// `urgent` or `stat`; routine without it.
    pub(crate) priority: Option<Word>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    pub(crate) who: Word,
    pub(crate) message: Word,
    pub(crate) text: Word,
}

/// What `who` does to a message.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfMessage {
    pub(crate) who: Word,
    pub(crate) message: Word,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    pub(crate) who: Word,
    pub(crate) words: Word,
    /// All of what is found, in any order.
    pub(crate) finds: Spanned<Vec<Word>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignOut {
    pub(crate) who: Word,
    /// So many messages are unsent, and therefore nothing is signed out.
    pub(crate) unsent: Option<Spanned<usize>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandOver {
    pub(crate) from: Word,
    pub(crate) to: Word,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    pub(crate) who: Word,
    #[serde(rename = "where")]
    pub(crate) place: Word,
    pub(crate) by: Word,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    pub(crate) who: Word,
    pub(crate) reads: Option<Word>,
    pub(crate) does_not_read: Option<Word>,
    pub(crate) message: Option<Word>,
    pub(crate) is: Option<Word>,
    pub(crate) acknowledged_by: Option<Spanned<Vec<Word>>>,
}
