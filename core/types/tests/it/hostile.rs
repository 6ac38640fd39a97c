//! Bytes from outside: they are refused or mean something else, and never bring the reader down.

use curo_types::FormatError;
use curo_types::api::limits;
use curo_types::format::{Content, RequestContext};
use proptest::prelude::*;

use crate::any::{Any, DECODABLE};
use crate::file::{Vectors, bytes};

fn each_vector(check: impl Fn(&'static str, &[u8], &Any)) {
    let file = Vectors::read();
    for format in DECODABLE {
        for vector in file.of(format) {
            let genuine = bytes(&vector["bytes"]);
            check(format, &genuine, &Any::decode(format, &genuine).unwrap());
        }
    }
}

#[test]
fn every_prefix_is_refused() {
    each_vector(|format, genuine, _| {
        for length in 0..genuine.len() {
            assert!(
                Any::decode(format, &genuine[..length]).is_err(),
                "{format}: {length} bytes"
            );
        }
    });
}

#[test]
fn every_trailing_byte_is_refused() {
    each_vector(|format, genuine, _| {
        for byte in 0..=255 {
            let longer = [genuine, &[byte]].concat();
            assert!(
                Any::decode(format, &longer).is_err(),
                "{format}: {byte:02x} behind the end"
            );
        }
    });
}

#[test]
fn every_single_byte_change_is_refused_or_means_something_else() {
    each_vector(|format, genuine, decoded| {
        for at in 0..genuine.len() {
            for value in 0..=255 {
                let mut changed = genuine.to_vec();
                changed[at] = value;
                if let Ok(other) = Any::decode(format, &changed) {
                    assert_eq!(
                        other == *decoded,
                        changed == genuine,
                        "{format}: byte {at} is {value:02x}"
                    );
                    assert_eq!(
                        Any::decode(format, &other.encode()).unwrap(),
                        other,
                        "{format}: byte {at}"
                    );
                }
            }
        }
    });
}

#[test]
fn every_format_has_its_limit() {
    for (format, limit) in [
        ("credential", 256),
        ("authenticated_data", 1024),
        ("content", Content::LIMIT),
        ("directory_envelope", 16 * 1024),
        ("request_context", 1024),
        ("receipt", 160),
        ("conversation_state", Content::LIMIT),
        ("leave_request", 1024),
    ] {
        // A byte string as long as the rest: its head is no longer than 5 bytes.
        let string = |size: usize| {
            let length = u32::try_from(size - 5).unwrap();
            [&[0x5a][..], &length.to_be_bytes(), &vec![0; size - 5]].concat()
        };
        let over = Any::decode(format, &string(limit + 4)).unwrap_err();
        assert!(
            matches!(over, FormatError::TooLarge { limit: l, .. } if l == limit),
            "{format}: {over}"
        );
        let under = Any::decode(format, &string(limit)).unwrap_err();
        assert!(matches!(under, FormatError::Malformed { .. }), "{format}: {under}");
    }
    const { assert!(limits::MESSAGE_BYTES > Content::LIMIT) };
}

#[test]
fn headers_that_are_not_unpadded_base64url_are_refused() {
    let good = RequestContext::new(None).to_header();
    assert_eq!(good, "oQAB");
    for bad in [
        "", "=", "oQAB=", "oQA", "oQ\u{0}B", "oQ+B", "oQ/B", " oQAB", "oQAB ", "oQAB\n", "ööö",
    ] {
        assert!(RequestContext::from_header(bad).is_err(), "{bad:?}");
    }
    let long = RequestContext::from_header(&"A".repeat(1_000_000)).unwrap_err();
    assert!(matches!(long, FormatError::TooLarge { .. }));
}

proptest! {
    #[test]
    fn anything_at_all_is_refused_or_understood(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        for format in DECODABLE {
            if let Ok(value) = Any::decode(format, &bytes) {
                prop_assert_eq!(Any::decode(format, &value.encode()).unwrap(), value);
            }
        }
    }

    /// Mutations that stay near the format: several bytes changed, pieces removed, doubled and moved.
    #[test]
    fn damaged_vectors_are_refused_or_understood(
        format in proptest::sample::select(&DECODABLE[..]),
        pick in any::<proptest::sample::Index>(),
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), 0..4_u8), 1..6),
    ) {
        let file = Vectors::read();
        let vectors = file.of(format);
        let mut bytes = bytes(&vectors[pick.index(vectors.len())]["bytes"]);
        for (at, value, how) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = value,
                1 => { bytes.remove(at); }
                2 => bytes.insert(at, value),
                _ => { let piece = bytes[at..].to_vec(); bytes.extend(piece); }
            }
        }
        if let Ok(value) = Any::decode(format, &bytes) {
            prop_assert_eq!(Any::decode(format, &value.encode()).unwrap(), value);
        }
    }
}
