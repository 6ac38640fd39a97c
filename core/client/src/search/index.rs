//! How a text becomes words of the index, and what a person types a query over them.
//!
//! The index (FTS5, tokenizer `unicode61` without diacritics) takes runs of letters and digits as words and knows upper and
//! lower case. Scripts that put no spaces between words would be one word a sentence, so each of their characters is made
//! a word of its own, and what is sought becomes a phrase of them: that finds every substring, of one character too, where
//! trigrams would need three (most Chinese words have two). Marks that writers leave out as often as not, the vowel points
//! of Arabic and Hebrew, are left out; letters that are written in several ways become one.

/// Stands between two words that no space separates. A control character, so that no text contains it.
const JOINT: char = '\u{3}';
/// Stand around what was found.
pub(crate) const MARKS: (&str, &str) = ("\u{1}", "\u{2}");

/// Longest query in bytes of UTF-8.
pub(crate) const QUERY_LIMIT: usize = 256;

/// A text as the index takes it, and from where in the original each byte comes.
pub(crate) struct Words {
    text: String,
    /// For each character of `text`: where its original begins and ends.
    from: Vec<(u32, u32)>,
}

impl Words {
    /// The text for the index. PHI.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

/// A text as the index takes it.
pub(crate) fn words(text: &str) -> Words {
    let mut out = Words {
        text: String::with_capacity(text.len() + text.len() / 4),
        from: Vec::new(),
    };
    let mut alone_before = false;
    for (at, original) in text.char_indices() {
        let Some(folded) = folded(original) else { continue };
        let alone = stands_alone(folded);
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let span = (place(at), place(at + original.len_utf8()));
        if alone || alone_before {
            out.text.push(JOINT);
            out.from.push((span.0, span.0));
        }
        out.text.push(folded);
        out.from.push(span);
        alone_before = alone;
    }
    out
}

/// What a person typed as a query in FTS5's syntax: every word of it must be there, as it stands or as the beginning of
/// a word. Nothing that is typed is an operator. `None` if there is nothing to seek in it.
pub(crate) fn query(typed: &str) -> Option<String> {
    let mut query = String::new();
    for word in typed.split_whitespace() {
        let word = words(word).text;
        if !word.chars().any(char::is_alphanumeric) {
            continue;
        }
        if !query.is_empty() {
            query.push_str(" AND ");
        }
        query.push('"');
        query.push_str(&word.replace('"', "\"\""));
        query.push_str("\" *");
    }
    (!query.is_empty()).then_some(query)
}

/// Where in the original text the marked parts are, in bytes of UTF-8. `marked` is what the index gave back for `text`.
pub(crate) fn ranges(text: &str, marked: &str) -> Vec<std::ops::Range<usize>> {
    let words = words(text);
    let mut places = words.from.iter();
    let mut ranges: Vec<std::ops::Range<usize>> = Vec::new();
    let (mut start, mut end) = (None, 0);
    for c in marked.chars() {
        match c {
            '\u{1}' => start = Some(None),
            '\u{2}' => {
                if let Some(Some(from)) = start.take() {
                    end += marks_at(text, end);
                    match ranges.last_mut() {
                        // A phrase of characters that are words is one find.
                        Some(last) if last.end == from => last.end = end,
                        _ => ranges.push(from..end),
                    }
                }
            }
            _ => {
                let Some(&(from, to)) = places.next() else { break };
                if let Some(first @ None) = &mut start {
                    *first = Some(from as usize);
                }
                end = to as usize;
            }
        }
    }
    ranges
}

/// Bytes of marks at a place that belong to the character before, and that the index knows nothing of.
fn marks_at(text: &str, at: usize) -> usize {
    let behind = text.get(at..).unwrap_or_default().chars();
    let marks = behind.take_while(|c| folded(*c).is_none() || stands_alone(*c) && !c.is_alphanumeric());
    marks.map(char::len_utf8).sum()
}

/// A character as it is indexed; `None` if it is left out.
fn folded(c: char) -> Option<char> {
    Some(match c {
        // Vowel points of Hebrew and Arabic, tatweel, soft hyphen, and what has no width.
        '\u{591}'..='\u{5bd}'
        | '\u{5bf}'
        | '\u{5c1}'..='\u{5c2}'
        | '\u{5c4}'..='\u{5c5}'
        | '\u{5c7}'
        | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}'
        | '\u{670}'
        | '\u{6d6}'..='\u{6dc}'
        | '\u{640}'
        | '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{feff}' => return None,
        // Our own marks and other controls separate words, as spaces do.
        c if c.is_control() => ' ',
        // Alef with and without hamza and madda; alef maqsura and Persian yeh; Persian kaf; teh marbuta.
        '\u{622}' | '\u{623}' | '\u{625}' | '\u{671}' => '\u{627}',
        '\u{649}' | '\u{6cc}' => '\u{64a}',
        '\u{6a9}' => '\u{643}',
        '\u{629}' => '\u{647}',
        // Greek vowels with accent or diaeresis, which the tokenizer does not know, and the final sigma; Cyrillic yo.
        'ά' | 'Ά' => 'α',
        'έ' | 'Έ' => 'ε',
        'ή' | 'Ή' => 'η',
        'ί' | 'Ί' | 'ϊ' | 'Ϊ' | 'ΐ' => 'ι',
        'ό' | 'Ό' => 'ο',
        'ύ' | 'Ύ' | 'ϋ' | 'Ϋ' | 'ΰ' => 'υ',
        'ώ' | 'Ώ' => 'ω',
        'ς' => 'σ',
        'ё' | 'Ё' => 'е',
        // Full-width forms of ASCII.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        // Katakana as hiragana: what is sought in one is found in the other.
        '\u{30a1}'..='\u{30f6}' => char::from_u32(u32::from(c) - 0x60).unwrap_or(c),
        c => c,
    })
}

/// Whether a character belongs to a script without spaces between words, or, of Korean, with several in one.
fn stands_alone(c: char) -> bool {
    matches!(c,
        // Thai, Lao, Myanmar, Khmer
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        // Kana, Bopomofo, Hangul, ideographs
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{3100}'..='\u{318f}' | '\u{31a0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}
