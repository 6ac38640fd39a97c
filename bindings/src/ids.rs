//! Ids, cursors and keys: text outside, checked here. Text that is none is `invalid_argument`.

use curo::{
    ConversationId, Cursor, DeviceId, IntentId, ItemKey, MessageId, ProfileId, SearchCursor, SpkiPin, TenantId, UserId,
};

use crate::error::{CuroError, Result};

/// A new random message id. The id is the app's: the same id sent again is the same message.
#[uniffi::export]
pub fn random_message_id() -> Result<MessageId> {
    crate::runtime::contained(|| Ok(MessageId::random()))
}

fn parsed<T: std::str::FromStr>(text: &str) -> uniffi::Result<T> {
    // Downcast by the scaffolding, so that the caller gets it as it is.
    text.parse().map_err(|_| CuroError::invalid().into())
}

uniffi::custom_type!(
    /// A user: 32 lower-case hexadecimal digits. Minted by the relay, never used again.
    UserId, String, { remote, try_lift: |text| parsed(&text), lower: |id| id.to_string() }
);
uniffi::custom_type!(
    /// A device: 32 lower-case hexadecimal digits. One installation for one user.
    DeviceId, String, { remote, try_lift: |text| parsed(&text), lower: |id| id.to_string() }
);
uniffi::custom_type!(
    /// A profile of this installation: 32 lower-case hexadecimal digits. Never leaves the device.
    ProfileId, String, { remote, try_lift: |text| parsed(&text), lower: |id| id.to_string() }
);
uniffi::custom_type!(
    /// A conversation: 32 lower-case hexadecimal digits.
    ConversationId, String, { remote, try_lift: |text| parsed(&text), lower: |id| id.to_string() }
);
uniffi::custom_type!(
    /// Something that was asked for: 32 lower-case hexadecimal digits. A message's own id is one, too.
    IntentId, String, { remote, try_lift: |text| parsed(&text), lower: |id| id.to_string() }
);
uniffi::custom_type!(
    /// A message: 32 lower-case hexadecimal digits, unique together with the sending device.
    MessageId, String, { remote, try_lift: |text| parsed(&text), lower: |id| id.to_string() }
);
uniffi::custom_type!(
    /// A tenant: 1 to 63 characters of a-z, 0-9 and inner hyphens.
    TenantId, String, { remote, try_lift: |text| parsed(&text), lower: |id| id.to_string() }
);
uniffi::custom_type!(
    /// What names an item of a conversation for life.
    ItemKey, String, { remote, try_lift: |text| parsed(&text), lower: |key| key.to_string() }
);
uniffi::custom_type!(
    /// An opaque place in a timeline, from which pages go on.
    Cursor, String, { remote, try_lift: |text| parsed(&text), lower: |cursor| cursor.to_string() }
);
uniffi::custom_type!(
    /// An opaque place in what a search has found, from which it goes on.
    SearchCursor, String, { remote, try_lift: |text| parsed(&text), lower: |cursor| cursor.to_string() }
);
uniffi::custom_type!(
    /// The SHA-256 of a relay's public key: sha256/ and 44 characters of base64.
    SpkiPin, String, { remote, try_lift: |text| parsed(&text), lower: |pin| pin.to_string() }
);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_no_id_is_an_invalid_argument_and_not_a_panic() {
        for bad in ["", "xyz", &"AB".repeat(16), "\u{fffd}", "a\u{0}b", &"a".repeat(1 << 20)] {
            for error in [
                parsed::<UserId>(bad).unwrap_err(),
                parsed::<MessageId>(bad).unwrap_err(),
                parsed::<ItemKey>(bad).unwrap_err(),
                parsed::<Cursor>(bad).unwrap_err(),
                parsed::<SpkiPin>(bad).unwrap_err(),
            ] {
                assert_eq!(error.downcast::<CuroError>().unwrap(), CuroError::invalid());
            }
        }
    }
}
