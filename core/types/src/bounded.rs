//! Lists of requests, read within their limit. Knows no call.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

/// Reads a list of which at most `LIMIT` elements are allowed. Of a longer one it keeps one element more than that, so that
/// the reader can tell that it is too long, and passes over the others: what is kept never grows with the input.
pub(crate) fn list<'de, const LIMIT: usize, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_seq(List::<LIMIT, T>(PhantomData))
}

struct List<const LIMIT: usize, T>(PhantomData<T>);

impl<'de, const LIMIT: usize, T: Deserialize<'de>> Visitor<'de> for List<LIMIT, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
        let mut kept = Vec::new();
        while kept.len() <= LIMIT {
            match elements.next_element()? {
                Some(element) => kept.push(element),
                None => return Ok(kept),
            }
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(kept)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_kept_than_tells_that_there_is_too_much() {
        let read = |json: &str| list::<2, _, u8>(&mut serde_json::Deserializer::from_str(json));
        assert!(read("[]").unwrap().is_empty());
        assert_eq!(read("[1,2]").unwrap(), [1, 2]);
        assert_eq!(read("[1,2,3]").unwrap(), [1, 2, 3]);
        assert_eq!(read("[1,2,3,4,5,6]").unwrap(), [1, 2, 3]);
        for bad in ["", "7", "{}", "[", "[1,x]", "[300]", "[1,2,3,4"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
