//! The search for leaks: every text, in every form that a careless line of code could give it, in every byte on disk and
//! in every line that was logged.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::Checks;
use crate::error::PlayError;
use crate::logs::Logs;
use crate::stage::Stage;

/// Long texts are sought in pieces: a database cuts them at its pages.
const PIECE: usize = 32;
const PIECES: usize = 16;
/// A last piece that is shorter would be found by chance.
const SHORTEST: usize = 8;

/// The search for a set of texts.
pub(super) struct Search {
    automaton: AhoCorasick,
    needles: Vec<Needle>,
}

struct Needle {
    form: &'static str,
    bytes: Vec<u8>,
}

/// What was searched and found.
#[derive(Default)]
struct Found {
    files: usize,
    bytes: usize,
    /// File and form, never the text.
    hits: BTreeSet<(PathBuf, &'static str)>,
}

impl Search {
    pub(super) fn new(texts: &[String]) -> Result<Self, PlayError> {
        let needles: Vec<_> = texts.iter().flat_map(|text| pieces(text)).flat_map(needles).collect();
        let automaton = AhoCorasick::new(needles.iter().map(|needle| &needle.bytes))
            .map_err(|error| PlayError::Proof(format!("the search cannot be built: {error}")))?;
        Ok(Self { automaton, needles })
    }

    fn forms_in(&self, bytes: &[u8]) -> BTreeSet<&'static str> {
        let hits = self.automaton.find_iter(bytes);
        hits.filter_map(|hit| self.needles.get(hit.pattern().as_usize()))
            .map(|needle| needle.form)
            .collect()
    }

    fn below(&self, dir: &Path) -> io::Result<Found> {
        let mut found = Found::default();
        let mut folders = vec![dir.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let bytes = match fs::read(&path) {
                    // A database in use makes and removes files beside it.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    read => read?,
                };
                found.files += 1;
                found.bytes += bytes.len();
                let forms = self.forms_in(&bytes);
                found.hits.extend(forms.into_iter().map(|form| (path.clone(), form)));
            }
        }
        Ok(found)
    }

    /// Every file of the relay and of every person.
    pub(super) fn stage(&self, when: &str, stage: &Stage, checks: &mut Checks<'_, '_>) -> Result<(), PlayError> {
        let relay = self.below(stage.relay.data_dir())?;
        self.tell(when, "the relay's", &relay, checks)?;
        let mut people = Found::default();
        for phone in stage.phones() {
            let found = self.below(phone)?;
            people.files += found.files;
            people.bytes += found.bytes;
            people.hits.extend(found.hits);
        }
        self.tell(when, "the people's", &people, checks)
    }

    fn tell(&self, when: &str, whose: &str, found: &Found, checks: &mut Checks<'_, '_>) -> Result<(), PlayError> {
        for (path, form) in &found.hits {
            checks.check(false, &format!("a text as {form} in {}", path.display()))?;
        }
        let size = found.bytes / 1024;
        let what = format!("{when}: no text in {size} KiB of {whose} {} files", found.files);
        checks.check(found.hits.is_empty() && found.bytes > 0, &what)
    }

    /// The logs.
    pub(super) fn logs(&self, logs: &Logs, checks: &mut Checks<'_, '_>) -> Result<(), PlayError> {
        let bytes = logs.bytes();
        let forms = self.forms_in(&bytes);
        let what = format!("no text in {} KiB of logs, at the level of traces", bytes.len() / 1024);
        checks.check(forms.is_empty() && !bytes.is_empty() && logs.complete(), &what)
    }

    /// Plants a text in each of its forms in a file, amid other bytes, and looks whether the same search finds it.
    pub(super) fn checks_itself(&self, checks: &mut Checks<'_, '_>) -> Result<(), PlayError> {
        let planted = tempfile::tempdir()?;
        let mut forms = BTreeSet::new();
        for needle in &self.needles {
            if forms.insert(needle.form) {
                let noise = vec![0xa5; 5000];
                let file = planted.path().join(forms.len().to_string());
                fs::write(file, [noise.as_slice(), &needle.bytes, &noise].concat())?;
            }
        }
        let found = self.below(planted.path())?;
        let files: BTreeSet<_> = found.hits.iter().map(|(path, _)| path).collect();
        let what = format!("the search finds a text that was planted in {} forms", forms.len());
        checks.check(!forms.is_empty() && files.len() == forms.len(), &what)
    }
}

/// The whole of a short text, else pieces of it.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.len() >= PIECE + SHORTEST && pieces.len() < PIECES {
        let end = (1..=PIECE)
            .rev()
            .find(|at| rest.is_char_boundary(*at))
            .unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    if pieces.len() < PIECES {
        pieces.push(rest);
    }
    pieces
}

/// The forms of a piece of text.
fn needles(text: &str) -> Vec<Needle> {
    let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let escaped = serde_json::to_string(text).unwrap_or_default();
    let mut needles = vec![
        ("UTF-8", text.as_bytes().to_vec()),
        ("UTF-16 LE", utf16(u16::to_le_bytes)),
        ("UTF-16 BE", utf16(u16::to_be_bytes)),
        ("JSON", escaped.trim_matches('"').as_bytes().to_vec()),
        ("ASCII JSON", ascii_json(text).into_bytes()),
        ("hexadecimal", hex::encode(text).into_bytes()),
        ("HEXADECIMAL", hex::encode_upper(text).into_bytes()),
    ];
    // Base64 of a longer whole depends on where in it the text begins.
    for (form, url_form, offset) in [
        ("base64, offset 0", "base64url, offset 0", 0),
        ("base64, offset 1", "base64url, offset 1", 1),
        ("base64, offset 2", "base64url, offset 2", 2),
    ] {
        let shifted = [vec![0; offset], text.as_bytes().to_vec()].concat();
        let inner = |encoded: String| {
            let own = encoded
                .bytes()
                .take(shifted.len() * 8 / 6)
                .skip((offset * 8).div_ceil(6));
            own.collect::<Vec<u8>>()
        };
        needles.push((form, inner(STANDARD_NO_PAD.encode(&shifted))));
        needles.push((url_form, inner(URL_SAFE_NO_PAD.encode(&shifted))));
    }
    needles
        .into_iter()
        .map(|(form, bytes)| Needle { form, bytes })
        .collect()
}

/// JSON as libraries write it that escape everything beyond ASCII.
fn ascii_json(text: &str) -> String {
    let mut escaped = String::new();
    let mut units = [0; 2];
    for c in text.chars() {
        if c.is_ascii() {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut units) {
            escaped.push_str(&format!("\\u{unit:04x}"));
        }
    }
    escaped
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const TEXT: &str = "BP 148/92, pulse 88, 37.9 °C, and more than fits into one piece of the search";

    fn search() -> Search {
        Search::new(&[TEXT.to_owned()]).unwrap()
    }

    #[test]
    fn a_text_is_found_in_every_form_at_every_place() {
        let search = search();
        let utf16: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for before in 0..7 {
            let raw = [vec![b'x'; before], TEXT.as_bytes().to_vec(), vec![b'y'; 5]].concat();
            assert!(!search.forms_in(&raw).is_empty());
            assert!(
                !search.forms_in(STANDARD_NO_PAD.encode(&raw).as_bytes()).is_empty(),
                "{before}"
            );
            assert!(
                !search.forms_in(URL_SAFE_NO_PAD.encode(&raw).as_bytes()).is_empty(),
                "{before}"
            );
            assert!(!search.forms_in(hex::encode(&raw).as_bytes()).is_empty(), "{before}");
            let wide = [vec![0; before], utf16.clone()].concat();
            assert!(!search.forms_in(&wide).is_empty(), "{before}");
        }
        let (first, second) = TEXT.split_at(40);
        let cut = [first.as_bytes(), &[0; 100], second.as_bytes()].concat();
        assert!(!search.forms_in(&cut).is_empty());
        assert_eq!(
            search.forms_in(b"nothing of it, and BP 148 is no text"),
            BTreeSet::new()
        );
    }

    #[test]
    fn all_bytes_of_a_text_are_in_its_pieces_and_none_is_short() {
        for length in [8, 31, 32, 39, 40, 41, 100, 500] {
            let source = "é1".repeat(200);
            let text = source.chars().scan(0, |bytes, c| {
                *bytes += c.len_utf8();
                (*bytes <= length).then_some(c)
            });
            let text: String = text.collect();
            let pieces = pieces(&text);
            assert_eq!(pieces.concat(), text);
            assert!(pieces.iter().all(|piece| piece.len() >= SHORTEST.min(text.len())));
        }
        assert_eq!(pieces(&"x".repeat(1_000_000)).len(), PIECES);
    }
}
