//! Short texts: ids, cursors, tokens, pins, addresses. Most have one spelling, so what is taken is written as it came.

use std::fmt::Display;
use std::str::FromStr;

use curo::{Cursor, Proxy, SearchCursor, SpkiPin};
use curo_relay::DatabaseKey;
use curo_relay::storage::SyncToken;
use curo_types::api::ClientVersion;
use curo_types::{ConversationId, DeviceId, Digest, ProfileId, TenantId};

fn same<T: FromStr + Display>(text: &str) -> bool {
    let Ok(value) = text.parse::<T>() else { return false };
    assert_eq!(value.to_string(), text);
    true
}

pub(crate) fn texts(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let mut taken = false;
    for spelled in [
        same::<ConversationId>,
        same::<DeviceId>,
        same::<Digest>,
        same::<ProfileId>,
        same::<TenantId>,
        same::<Cursor>,
        same::<SearchCursor>,
        same::<curo::ItemKey>,
        same::<SpkiPin>,
    ] {
        taken |= spelled(text);
    }
    taken |= sync_token(text) | version(text) | DatabaseKey::from_hex(text).is_ok();
    taken |= address(text) | bearer(text) | dpop_key(text);
    taken
}

/// Of numbers, leading zeros are let pass.
fn sync_token(text: &str) -> bool {
    let Ok(token) = text.parse::<SyncToken>() else {
        return false;
    };
    assert!(token.entries_after >= token.position && i64::try_from(token.entries_after).is_ok());
    assert_eq!(token.to_string().parse(), Ok(token));
    true
}

fn version(text: &str) -> bool {
    let Ok(version) = text.parse::<ClientVersion>() else {
        return false;
    };
    assert_eq!(version.to_string().parse(), Ok(version));
    true
}

fn address(text: &str) -> bool {
    let (relay, proxy) = (curo::fuzzing::is_relay_address(text), curo::fuzzing::is_proxy(text));
    assert!(!(relay && proxy), "https for a relay, http for a proxy");
    assert_eq!(format!("{:?}", Proxy::new(text)), "Proxy(redacted)");
    relay || proxy
}

fn bearer(text: &str) -> bool {
    let Some(token) = curo_relay::fuzzing::bearer(text.as_bytes()) else {
        return false;
    };
    assert!(text.contains(&token));
    true
}

fn dpop_key(text: &str) -> bool {
    let taken = curo_relay::fuzzing::is_dpop_key(text);
    assert!(!taken || text.len() <= 512);
    taken
}
