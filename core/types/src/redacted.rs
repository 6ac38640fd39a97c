//! Text that people wrote, which may be PHI and therefore cannot reach a log.

use std::fmt;

use zeroize::Zeroize;

/// Text of a message or of anything else that may bear PHI.
///
/// It has no `Display` and its `Debug` shows only the length, so it cannot be formatted into a log by accident; take
/// the text out with [`Text::as_str`] or [`Text::into_string`] where it is shown to a person. Memory is wiped on drop.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Text(String);

impl Text {
    /// Wraps text that came from a person or out of a decrypted message.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for showing or encrypting it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned. The copy is no longer wiped on drop.
    pub fn into_string(mut self) -> String {
        std::mem::take(&mut self.0)
    }

    /// Length in bytes of UTF-8.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_only_the_length() {
        let text = Text::new("BP 118/76");
        assert_eq!(format!("{text:?}"), "Text(9 bytes)");
        assert_eq!(text.into_string(), "BP 118/76");
    }
}
