//! Small helpers over `minicbor` that every format shares. `minicbor` reads CBOR generously; what comes from outside goes
//! through here, where only the deterministic encoding is taken.

mod deterministic;

use std::convert::Infallible;

use minicbor::{Decode, Decoder, Encode, Encoder, encode};

use crate::FormatError;

const NULL: u8 = 0xf6;

/// An encoder that writes into memory, which cannot fail.
pub(crate) type MemoryEncoder = Encoder<Vec<u8>>;

/// An array of `len` items, written by `items`.
#[expect(
    clippy::expect_used,
    reason = "writing into a Vec cannot fail (its error is Infallible)"
)]
pub(crate) fn array(
    len: u64,
    items: impl FnOnce(&mut MemoryEncoder) -> Result<(), encode::Error<Infallible>>,
) -> Vec<u8> {
    let mut e = Encoder::new(Vec::with_capacity(256));
    e.array(len)
        .map(|_| ())
        .and_then(|()| items(&mut e))
        .expect("encoding into memory");
    e.into_writer()
}

/// Encodes a value.
#[expect(
    clippy::expect_used,
    reason = "writing into a Vec cannot fail (its error is Infallible)"
)]
pub(crate) fn to_vec<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("encoding into memory")
}

/// Decodes one value of at most `limit` bytes. The bytes must be the deterministic encoding of the value and nothing else, so
/// that no two readers can understand them differently and what is stored again is what came.
pub(crate) fn from_slice<'b, T: Decode<'b, ()> + Encode<()>>(
    format: &'static str,
    bytes: &'b [u8],
    limit: usize,
) -> Result<T, FormatError> {
    check_size(format, bytes, limit)?;
    if deterministic::item(bytes) != Some(&[]) {
        return Err(FormatError::malformed(format));
    }
    let value: T = Decoder::new(bytes)
        .decode()
        .map_err(|_| FormatError::malformed(format))?;
    // The decoder passes over surplus array elements and takes null for an absent key; neither encodes again as it came.
    if to_vec(&value) == bytes {
        Ok(value)
    } else {
        Err(FormatError::malformed(format))
    }
}

/// As [`from_slice`], for a map whose later entries may be of a later version: they are passed over.
pub(crate) fn from_open_map<T>(format: &'static str, bytes: &[u8], limit: usize) -> Result<T, FormatError>
where
    T: for<'b> Decode<'b, ()> + Encode<()>,
{
    check_size(format, bytes, limit)?;
    if deterministic::item(bytes) != Some(&[]) {
        return Err(FormatError::malformed(format));
    }
    let value: T = Decoder::new(bytes)
        .decode()
        .map_err(|_| FormatError::malformed(format))?;
    if known_first(bytes, &to_vec(&value)) {
        Ok(value)
    } else {
        Err(FormatError::malformed(format))
    }
}

/// As [`from_open_map`], for a map with a version under key 0. A version other than `version` is named as such whatever
/// else the map holds.
pub(crate) fn from_versioned_map<T>(
    format: &'static str,
    bytes: &[u8],
    limit: usize,
    version: u64,
) -> Result<T, FormatError>
where
    T: for<'b> Decode<'b, ()> + Encode<()>,
{
    check_size(format, bytes, limit)?;
    let mut d = Decoder::new(bytes);
    let malformed = |_| FormatError::malformed(format);
    d.map().map_err(malformed)?;
    if d.u64().map_err(malformed)? != 0 {
        return Err(FormatError::malformed(format));
    }
    let found = d.u64().map_err(malformed)?;
    if found != version {
        return Err(FormatError::UnsupportedVersion { format, found });
    }
    from_open_map(format, bytes, limit)
}

fn check_size(format: &'static str, bytes: &[u8], limit: usize) -> Result<(), FormatError> {
    if bytes.len() > limit {
        Err(FormatError::TooLarge {
            format,
            size: bytes.len(),
            limit,
        })
    } else {
        Ok(())
    }
}

/// Whether a deterministic map begins with the entries of `known`, what was understood of it encoded again, and no other
/// entry is null. Keys ascend, so entries of a later version come last; null is how a decoder that knows the key would
/// let an absent value look.
fn known_first(map: &[u8], known: &[u8]) -> bool {
    let check = || {
        let (entries, mut rest) = split_head(map)?;
        let (understood, known) = split_head(known)?;
        rest = rest.strip_prefix(known)?;
        for _ in understood..entries {
            let value = deterministic::item(rest)?;
            let unsigned = rest.first().is_some_and(|initial| initial >> 5 == 0);
            if !unsigned || value.first() == Some(&NULL) {
                return None;
            }
            rest = deterministic::item(value)?;
        }
        Some(())
    };
    check().is_some()
}

/// The number of a map's entries, and their bytes.
fn split_head(map: &[u8]) -> Option<(u64, &[u8])> {
    let mut d = Decoder::new(map);
    let entries = d.map().ok()??;
    Some((entries, map.get(d.position()..)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[derive(Encode, Decode, PartialEq, Debug)]
    #[cbor(map)]
    struct Open {
        #[n(0)]
        version: u64,
        #[n(1)]
        pair: Option<Pair>,
    }

    #[derive(Encode, Decode, PartialEq, Debug)]
    #[cbor(array)]
    struct Pair {
        #[n(0)]
        a: u64,
        #[n(1)]
        b: u64,
    }

    fn read(bytes: &[u8]) -> Result<Open, FormatError> {
        from_versioned_map("open", bytes, 64, 1)
    }

    #[test]
    fn unknown_keys_are_passed_over() {
        let expected = Open {
            version: 1,
            pair: Some(Pair { a: 7, b: 8 }),
        };
        for bytes in [
            &[0xa2, 0, 1, 1, 0x82, 7, 8][..],
            &[0xa3, 0, 1, 1, 0x82, 7, 8, 2, 0xf5],
            &[0xa4, 0, 1, 1, 0x82, 7, 8, 9, 0x61, b'x', 0x18, 24, 0xa1, 0, 0x80],
        ] {
            assert_eq!(read(bytes).unwrap(), expected, "{bytes:02x?}");
        }
    }

    #[test]
    fn one_value_has_one_encoding() {
        for (why, bytes) in [
            ("bytes behind the end", &[0xa1, 0, 1, 0][..]),
            ("key 1 twice", &[0xa3, 0, 1, 1, 0x82, 7, 8, 1, 0x82, 7, 8]),
            ("an unknown key twice", &[0xa3, 0, 1, 5, 0, 5, 0]),
            ("keys descend", &[0xa3, 0, 1, 5, 0, 1, 0x82, 7, 8]),
            ("surplus element", &[0xa2, 0, 1, 1, 0x83, 7, 8, 9]),
            ("element short", &[0xa2, 0, 1, 1, 0x81, 7]),
            ("null for an absent key", &[0xa2, 0, 1, 1, 0xf6]),
            ("null under an unknown key", &[0xa2, 0, 1, 9, 0xf6]),
            ("longer integer", &[0xa2, 0, 1, 1, 0x82, 0x18, 7, 8]),
            ("longer map head", &[0xb8, 1, 0, 1]),
            ("longer map head beside an unknown key", &[0xb8, 2, 0, 1, 5, 0]),
            ("longer unknown key", &[0xa2, 0, 1, 0x18, 5, 0]),
            ("indefinite map", &[0xbf, 0, 1, 0xff]),
            ("indefinite array", &[0xa2, 0, 1, 1, 0x9f, 7, 8, 0xff]),
            ("indefinite unknown value", &[0xa2, 0, 1, 5, 0x9f, 0xff]),
            ("unknown key is text", &[0xa2, 0, 1, 0x61, b'x', 0]),
            ("unknown key is negative", &[0xa2, 0, 1, 0x20, 0]),
            ("not a map", &[0x82, 0, 1]),
            ("version is not first", &[0xa1, 1, 0x82, 7, 8]),
            (
                "map claims more than there is",
                &[0xbb, 255, 255, 255, 255, 255, 255, 255, 255, 0, 1],
            ),
            ("nothing", &[]),
        ] {
            assert_eq!(read(bytes), Err(FormatError::malformed("open")), "{why}");
        }
    }

    #[test]
    fn another_version_is_named_before_the_rest_is_judged() {
        let error = |found| Err(FormatError::UnsupportedVersion { format: "open", found });
        assert_eq!(read(&[0xa1, 0, 0]), error(0));
        assert_eq!(read(&[0xa2, 0, 2, 1, 0x61, b'x']), error(2));
        assert_eq!(
            read(&[0xa1, 0, 0x1b, 255, 255, 255, 255, 255, 255, 255, 255]),
            error(u64::MAX)
        );
    }

    #[test]
    fn size_is_judged_first() {
        let error = FormatError::TooLarge {
            format: "open",
            size: 65,
            limit: 64,
        };
        assert_eq!(read(&[0xff; 65]), Err(error));
    }
}
