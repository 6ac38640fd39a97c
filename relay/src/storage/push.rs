//! Arguments of push registrations.

/// Where pushes for a device go, and the random token that they bear. Neither says anything of people or content, but the
/// target finds an installation, so neither is logged.
#[derive(Clone, PartialEq, Eq)]
pub struct PushTarget {
    /// What the gateway finds the installation by.
    pub target: String,
    /// The device's random token.
    pub token: [u8; 16],
}

impl std::fmt::Debug for PushTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PushTarget(redacted)")
    }
}
