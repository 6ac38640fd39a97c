//! What a tenant asks of conversations, beyond what always holds.

use std::time::Duration;

use curo_types::api::limits;

/// A tenant's policy for members of conversations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyConfig {
    /// The identity provider's subjects of users who are in every conversation, at most 8: an archive, for example. Each has
    /// a user id from the first start with this setting on, and must have signed in before anybody can create a conversation.
    pub mandatory_members: Vec<String>,
    /// Whether a device that is not its user's first needs the approval of another one. Once a relay has served a tenant
    /// with it, it does not start without: members go on asking for it.
    pub device_approval: bool,
    /// Whether devices purge what they have of a conversation from which others have removed them, instead of keeping it.
    pub purge_removed: bool,
    /// How long a device may be silent before its leaves are removed (6.3), one day at least. `None`: 30 days.
    pub leaf_silence: Option<Duration>,
}

/// What a tenant may have at most. `None`: as much as it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quota {
    /// Conversations that not all have left.
    pub conversations: Option<u64>,
    /// Active devices of all its users.
    pub devices: Option<u64>,
    /// Bytes of messages and commits that are kept. Commits are accepted beyond it: they remove people, too.
    pub stored_bytes: Option<u64>,
}

impl Quota {
    /// A setting that is 0.
    pub(super) fn zero(&self) -> Option<&'static str> {
        let all = [
            ("max_conversations", self.conversations),
            ("max_devices", self.devices),
            ("max_stored_bytes", self.stored_bytes),
        ];
        all.into_iter().find(|(_, most)| *most == Some(0)).map(|(name, _)| name)
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl PolicyConfig {
    /// How long a device may be silent.
    pub(crate) fn leaf_silence(&self) -> Duration {
        self.leaf_silence.unwrap_or(DAY * 30)
    }

    /// The setting that makes no sense, and why.
    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if self.leaf_silence.is_some_and(|silence| silence < DAY) {
            return Err(("leaf_silence_days", "it must be at least one day"));
        }
        let setting = "mandatory_members";
        if self.mandatory_members.len() > limits::MANDATORY_MEMBERS {
            return Err((setting, "there are more than 8"));
        }
        for (n, subject) in self.mandatory_members.iter().enumerate() {
            if subject.is_empty() || subject.len() > 255 {
                return Err((setting, "a subject has 1 to 255 bytes"));
            }
            if self.mandatory_members.iter().take(n).any(|before| before == subject) {
                return Err((setting, "one is there twice"));
            }
        }
        Ok(())
    }
}
