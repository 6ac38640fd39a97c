//! Delivery states as a script writes them.

use std::fmt;
use std::str::FromStr;

use curo::DeliveryState;

/// What an expectation says of a message's delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Queued,
    Sent,
    Delivered { by: u32, of: u32 },
    Failed,
}

impl FromStr for Delivery {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = "a delivery is `queued`, `sent`, `delivered K/N` or `failed`";
        match text {
            "queued" => return Ok(Self::Queued),
            "sent" => return Ok(Self::Sent),
            "failed" => return Ok(Self::Failed),
            _ => {}
        }
        let counts = text.strip_prefix("delivered ").and_then(|rest| rest.split_once('/'));
        let (by, of) = counts.ok_or(unknown)?;
        let (Ok(by), Ok(of)) = (by.trim().parse(), of.trim().parse()) else {
            return Err(unknown);
        };
        if by == 0 || by > of {
            return Err("of N people, 1 to N can have it; what nobody has yet is `sent`");
        }
        Ok(Self::Delivered { by, of })
    }
}

impl Delivery {
    pub(crate) fn matches(self, state: &DeliveryState) -> bool {
        match (self, state) {
            (Self::Queued, DeliveryState::Queued)
            | (Self::Sent, DeliveryState::Sent)
            | (Self::Failed, DeliveryState::Failed { .. }) => true,
            (Self::Delivered { by, of }, DeliveryState::Delivered { by: has, of: all }) => (by, of) == (*has, *all),
            _ => false,
        }
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queued => f.write_str("queued"),
            Self::Sent => f.write_str("sent"),
            Self::Delivered { by, of } => write!(f, "delivered {by}/{of}"),
            Self::Failed => f.write_str("failed"),
        }
    }
}
