//! How rows are encoded: MessagePack with field names, so that a later OpenMLS can still read them.
//!
//! Knows no table and no store. Buffers with values are wiped, because most values are keys.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::store::StoreFault;

pub(super) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Zeroizing<Vec<u8>>, StoreFault> {
    let mut row = Row(Zeroizing::new(Vec::with_capacity(FIRST)));
    // The encoder's error may quote what it was given, so it is not passed on.
    rmp_serde::encode::write_named(&mut row, value).map_err(|_| StoreFault::permanent("a row cannot be encoded"))?;
    Ok(row.0)
}

/// Enough for most rows that are keys.
const FIRST: usize = 512;

/// Grows into a new buffer and wipes the old one: a `Vec` that grows by itself leaves what it held behind.
struct Row(Zeroizing<Vec<u8>>);

impl io::Write for Row {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * self.0.capacity())));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
    fn long_rows_are_whole() {
        for length in [0, FIRST - 10, FIRST, 10 * FIRST] {
            let value: Vec<u16> = (0..length).map(|n| n as u16).collect();
            assert_eq!(
                encode(&value).unwrap().as_slice(),
                rmp_serde::to_vec_named(&value).unwrap()
            );
        }
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
