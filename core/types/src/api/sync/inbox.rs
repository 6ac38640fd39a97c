//! Reading inbox items: one of a kind that is not known is kept as it came, for a later version of the client.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::{InboxItem, InboxRecord};
use crate::Blob;

impl InboxRecord {
    /// An item of this version.
    pub const fn new(index: u64, item: InboxItem) -> Self {
        Self {
            index,
            item,
            later: None,
        }
    }

    /// Reads what was kept of an item once more. `None`: it still is of a later version, or nothing that was ever an item.
    pub fn again(index: u64, later: &[u8]) -> Option<Self> {
        let item: InboxItem = serde_json::from_slice(later).ok()?;
        (item != InboxItem::Unknown).then(|| Self::new(index, item))
    }
}

impl<'de> Deserialize<'de> for InboxRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Raw {
            index: u64,
            item: Members,
        }
        let Raw { index, item } = Raw::deserialize(deserializer)?;
        let value = Value::Object(item.0);
        let item = InboxItem::deserialize(&value).map_err(D::Error::custom)?;
        let later = (item == InboxItem::Unknown).then(|| Blob(value.to_string().into_bytes()));
        Ok(Self { index, item, later })
    }
}

/// An object's members, none twice.
struct Members(Map<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member twice"));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
