//! Core deterministic CBOR (RFC 8949 section 4.2.1): definite lengths, shortest heads, map keys ascending, valid UTF-8.
//! Floating-point numbers and simple values but false, true and null are refused, as no format uses them.

/// How deep arrays, maps and tags may nest. The formats need five levels.
const DEPTH: u8 = 16;

/// Passes over one item that is encoded deterministically and returns what follows it.
pub(super) fn item(bytes: &[u8]) -> Option<&[u8]> {
    nested(bytes, DEPTH)
}

fn nested(bytes: &[u8], depth: u8) -> Option<&[u8]> {
    let (&initial, rest) = bytes.split_first()?;
    let (argument, mut rest) = argument(initial & 0x1f, rest)?;
    match initial >> 5 {
        0 | 1 => Some(rest),
        2 => string(argument, rest).map(|(_, rest)| rest),
        3 => string(argument, rest).and_then(|(text, rest)| std::str::from_utf8(text).ok().map(|_| rest)),
        4 => {
            for _ in 0..argument {
                rest = nested(rest, depth.checked_sub(1)?)?;
            }
            Some(rest)
        }
        5 => {
            let mut last: &[u8] = &[];
            for _ in 0..argument {
                let value = nested(rest, depth.checked_sub(1)?)?;
                let key = rest.get(..rest.len() - value.len())?;
                if key <= last {
                    return None;
                }
                last = key;
                rest = nested(value, depth.checked_sub(1)?)?;
            }
            Some(rest)
        }
        6 => nested(rest, depth.checked_sub(1)?),
        // The head of a float is a head with its bits as argument, and argument() takes any; only these three pass.
        _ => matches!(initial, 0xf4..=0xf6).then_some(rest),
    }
}

/// The argument of a head, which must be in its shortest form.
fn argument(info: u8, rest: &[u8]) -> Option<(u64, &[u8])> {
    let (length, least) = match info {
        0..=23 => return Some((u64::from(info), rest)),
        24 => (1, 24),
        25 => (2, 0x100),
        26 => (4, 0x1_0000),
        27 => (8, 0x1_0000_0000),
        _ => return None,
    };
    let (digits, rest) = rest.split_at_checked(length)?;
    let value = digits.iter().fold(0, |value, digit| value << 8 | u64::from(*digit));
    (value >= least).then_some((value, rest))
}

fn string(length: u64, rest: &[u8]) -> Option<(&[u8], &[u8])> {
    rest.split_at_checked(usize::try_from(length).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortest_heads_only() {
        for good in [
            &[0x17][..],
            &[0x18, 24],
            &[0x19, 1, 0],
            &[0x1a, 0, 1, 0, 0],
            &[0x1b, 0, 0, 0, 1, 0, 0, 0, 0],
        ] {
            assert_eq!(item(good), Some(&[][..]), "{good:02x?}");
        }
        for bad in [
            &[0x18, 23][..],
            &[0x19, 0, 255],
            &[0x1a, 0, 0, 255, 255],
            &[0x1b, 0, 0, 0, 0, 255, 255, 255, 255],
        ] {
            assert_eq!(item(bad), None, "{bad:02x?}");
        }
    }

    #[test]
    fn no_floats_no_undefined_no_indefinite_no_reserved() {
        for initial in (0xe0..=0xff).filter(|initial| !(0xf4..=0xf6).contains(initial)) {
            assert_eq!(
                item(&[initial, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
                None,
                "{initial:02x}"
            );
        }
        for info in 28..=31 {
            for major in 0..=7 {
                assert_eq!(item(&[major << 5 | info, 0xff]), None, "{major} {info}");
            }
        }
    }

    #[test]
    fn strings_are_whole_and_text_is_utf8() {
        assert_eq!(item(&[0x42, 1, 2, 3]), Some(&[3][..]));
        assert_eq!(item(&[0x43, 1, 2]), None);
        assert_eq!(item(&[0x5b, 255, 255, 255, 255, 255, 255, 255, 255, 0]), None);
        assert_eq!(item(&[0x62, 0xc3, 0xa4]), Some(&[][..]));
        assert_eq!(item(&[0x61, 0xc3]), None);
        assert_eq!(item(&[0x62, 0xc3, 0x28]), None);
    }

    #[test]
    fn nesting_is_bounded() {
        for container in [&[0x81][..], &[0xa1, 0x00], &[0xc1]] {
            let nest = |levels: usize| [container.repeat(levels), vec![0]].concat();
            assert_eq!(item(&nest(16)), Some(&[][..]));
            assert_eq!(item(&nest(17)), None);
            assert_eq!(item(&nest(1_000_000)), None);
        }
    }
}
