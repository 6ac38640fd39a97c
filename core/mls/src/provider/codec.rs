//! How rows are encoded: MessagePack with field names, so that a later OpenMLS can still read them.
//!
//! Knows no table and no store. Buffers with values are wiped, because most values are keys.

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::store::StoreFault;

pub(super) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Zeroizing<Vec<u8>>, StoreFault> {
    // The encoder's error may quote what it was given, so it is not passed on.
    rmp_serde::to_vec_named(value)
        .map(Zeroizing::new)
        .map_err(|_| StoreFault::permanent("a row cannot be encoded"))
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreFault> {
    rmp_serde::from_slice(bytes).map_err(|_| StoreFault::permanent("a row is damaged"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use openmls::prelude::GroupId;

    use super::*;

    #[test]
    fn the_key_of_a_group_is_pinned() {
        // Another encoding would make every stored group unknown. A map {"value": {"vec": [1, 200]}}.
        let pinned = b"\x81\xa5value\x81\xa3vec\x92\x01\xcc\xc8";
        assert_eq!(encode(&GroupId::from_slice(&[1, 200])).unwrap().as_slice(), pinned);
        assert_eq!(decode::<GroupId>(pinned).unwrap().as_slice(), [1, 200]);
    }

    #[test]
    fn fields_may_come_and_go() {
        #[derive(serde::Serialize)]
        struct Newer {
            added: u8,
            kept: Vec<u8>,
        }
        #[derive(serde::Deserialize)]
        struct Older {
            kept: Vec<u8>,
        }
        let bytes = encode(&Newer {
            added: 1,
            kept: vec![2],
        })
        .unwrap();
        assert_eq!(decode::<Older>(&bytes).unwrap().kept, [2]);
        assert!(!decode::<u64>(&bytes).unwrap_err().retryable);
    }
}
