//! What a person types into the search, and what others have written: FTS5 takes every query that is made of it, and what is
//! shown is cut between characters.

use curo::fuzzing;
use rusqlite::{Connection, params};

use crate::pieces::line;

thread_local! {
    static INDEX: Connection = {
        let index = Connection::open_in_memory().expect("SQLite in memory");
        // As in core/store's migrations.
        let sql = "CREATE VIRTUAL TABLE search USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2')";
        index.execute_batch(sql).expect("FTS5");
        index
    };
}

/// A query, a line's end, a text.
pub(crate) fn search(bytes: &[u8]) -> bool {
    let (typed, text) = line(bytes);
    let (Ok(typed), Ok(text)) = (std::str::from_utf8(typed), std::str::from_utf8(text)) else {
        return false;
    };
    let Some(query) = fuzzing::search_query(typed) else {
        return false;
    };
    let in_text = find(&query, text);
    if let Some(marked) = &in_text {
        let (part, ranges) = fuzzing::search_snippet(text, marked);
        assert!(text.contains(&part), "the snippet is a part of the text");
        let mut end = 0;
        for range in ranges {
            assert!(
                end <= range.start && range.start <= range.end,
                "in order: {range:?} after {end}"
            );
            assert!(
                part.get(range.clone()).is_some(),
                "{range:?} cuts a character of {} bytes",
                part.len()
            );
            end = range.end;
        }
    }
    in_text.is_some()
}

fn find(query: &str, text: &str) -> Option<String> {
    let words = fuzzing::search_words(text);
    INDEX.with(|index| {
        index.execute("DELETE FROM search", []).expect("emptied");
        index
            .execute("INSERT INTO search (text) VALUES (?1)", [&words])
            .expect("indexed");
        let (before, behind) = fuzzing::SEARCH_MARKS;
        let sql = "SELECT highlight(search, 0, ?2, ?3) FROM search WHERE search MATCH ?1";
        let mut found = index.prepare_cached(sql).expect("prepared");
        let query = format!("{{text}} : ({query})");
        let mut rows = found.query(params![query, before, behind]).expect("taken");
        let row = rows.next().expect("no error of syntax");
        row.map(|row| row.get(0).expect("a text"))
    })
}
