//! Looks at a file's first two pages without SQLite: is it one of ours, a plain database, or something else?
//!
//! The first 32 bytes of our files are plaintext by choice (iOS must recognise them), so the magic alone says nothing.
//! Offsets are from the SQLite file format, section 1.3.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// SQLCipher 4's page size, which we pin.
pub(crate) const PAGE: usize = 4096;

/// What the first pages look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// No file.
    Absent,
    /// A file of no bytes: a creation that was interrupted, or nothing.
    Empty,
    /// As ours look from outside. Only the key can tell more.
    Encrypted,
    /// A database whose pages are readable.
    Plaintext,
    /// Not an SQLite file.
    NotDatabase,
}

/// Reads at most two pages.
pub(crate) fn inspect(path: &Path) -> io::Result<Shape> {
    let mut bytes = Vec::with_capacity(2 * PAGE);
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Shape::Absent),
        other => other?.take(2 * PAGE as u64).read_to_end(&mut bytes)?,
    };
    Ok(classify(&bytes))
}

fn classify(bytes: &[u8]) -> Shape {
    if bytes.is_empty() {
        return Shape::Empty;
    }
    if !bytes.starts_with(b"SQLite format 3\0") {
        return Shape::NotDatabase;
    }
    // A plain file's "reserved for expansion" bytes are zero and page 1 starts as a b-tree page at offset 100. In a file
    // of ours both lie in ciphertext: 20 zero bytes happen with probability 2^-160.
    let reserved_zero = bytes
        .get(72..92)
        .is_some_and(|reserved| reserved.iter().all(|byte| *byte == 0));
    if reserved_zero && matches!(bytes.get(100), Some(2 | 5 | 10 | 13)) {
        return Shape::Plaintext;
    }
    if bytes.get(PAGE..2 * PAGE).is_some_and(|page| !looks_random(page)) {
        return Shape::Plaintext;
    }
    Shape::Encrypted
}

/// Whether a page's byte values are spread as ciphertext's are.
///
/// Pearson's chi-squared over 4096 bytes and 256 values: 255 +- 23 for random bytes. The bound of 900 lies 28 standard
/// deviations away, so no page of ciphertext is ever refused, while a page with as few as 125 equal bytes too many is.
fn looks_random(page: &[u8]) -> bool {
    let mut counts = [0_i64; 256];
    for byte in page {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let expected = (page.len() / 256) as i64;
    let sum: i64 = counts.iter().map(|count| (count - expected) * (count - expected)).sum();
    sum < 900 * expected
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn plain_databases_are_told_by_either_page() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plain.db");
        let plain = rusqlite::Connection::open(&path).unwrap();
        plain
            .execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES ('hello')")
            .unwrap();
        drop(plain);
        let mut bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 2 * PAGE);
        assert_eq!(classify(&bytes), Shape::Plaintext);
        assert_eq!(inspect(&path).unwrap(), Shape::Plaintext);
        // Page 1 made unreadable, page 2 left plain.
        getrandom::fill(bytes.get_mut(32..PAGE).unwrap()).unwrap();
        assert_eq!(classify(&bytes), Shape::Plaintext);
        getrandom::fill(bytes.get_mut(PAGE..).unwrap()).unwrap();
        assert_eq!(classify(&bytes), Shape::Encrypted);
    }

    #[test]
    fn random_pages_pass_and_pages_with_a_gap_do_not() {
        let mut page = [0; PAGE];
        for _ in 0..2000 {
            getrandom::fill(&mut page).unwrap();
            assert!(looks_random(&page));
        }
        page.iter_mut().take(200).for_each(|byte| *byte = 0);
        assert!(!looks_random(&page));
    }

    #[test]
    fn other_files_are_told() {
        assert_eq!(classify(b""), Shape::Empty);
        assert_eq!(classify(b"%PDF-1.7"), Shape::NotDatabase);
        assert_eq!(classify(&[0; 2 * PAGE]), Shape::NotDatabase);
        assert_eq!(inspect(Path::new("/nonexistent/x")).unwrap(), Shape::Absent);
    }
}
