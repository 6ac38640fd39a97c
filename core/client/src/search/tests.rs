//! Words and queries over a real index, in several scripts.

use curo_store::repo::item::{self, Fold, ItemKind, ItemRow, Place};
use curo_types::{DeviceId, MessageId};
use rusqlite::Connection;

use super::*;
use crate::fold::tests::{ID, log, say, text, with_store};

fn find_all(conn: &Connection, typed: &str) -> Vec<Hit> {
    let Some(query) = index::query(typed) else {
        return Vec::new();
    };
    let rows = search::find(conn, &query, None, None, index::MARKS, 100).unwrap();
    rows.iter().map(hit).collect()
}

/// What is highlighted in the only message that is found.
fn marked(conn: &Connection, typed: &str) -> Vec<String> {
    let hits = find_all(conn, typed);
    assert!(hits.len() <= 1, "{typed}: {}", hits.len());
    let Some(hit) = hits.first() else { return Vec::new() };
    hit.highlights
        .iter()
        .map(|range| hit.snippet.as_str()[range.clone()].to_owned())
        .collect()
}

/// Texts of a care team in several scripts; each query finds its one message, highlighted as it stands there.
#[test]
fn words_are_found_in_every_script() {
    let texts = [
        "Kalium 6,8 mmol/l, Rückruf bitte",
        "Ο ασθενής έχει πυρετό",
        "Пациент жалуется на боль",
        "المريض يعاني من ارتفاع ضغط الدَّم",
        "החולה סובל מכְּאֵב ראש",
        "患者血压升高,请复查",
        "患者さんは発熱しています。アレルギーなし",
        "고혈압환자가 두통을 호소함",
        "ผู้ป่วยมีไข้สูง",
        "रोगी को बुखार है",
        "Bệnh nhân sốt cao",
    ];
    let queries: &[(&str, &[&str])] = &[
        ("kalium", &["Kalium"]),
        ("KAL", &["Kalium"]),
        ("ruckruf", &["Rückruf"]),
        ("Rückr", &["Rückruf"]),
        ("6,8 mmol", &["6,8", "mmol"]),
        ("πυρετο", &["πυρετό"]),
        ("ΑΣΘΕΝΗΣ", &["ασθενής"]),
        ("пациент боль", &["Пациент", "боль"]),
        ("жалу", &["жалуется"]),
        ("الدم", &["الدَّم"]),
        ("إرتفاع", &["ارتفاع"]),
        ("כאב", &[]),
        ("血压", &["血压"]),
        ("压", &["压"]),
        ("升高 患者", &["患者", "升高"]),
        ("発熱", &["発熱"]),
        ("あれるぎー", &["アレルギー"]),
        ("환자", &["환자"]),
        ("두통", &["두통"]),
        ("ไข้", &["ไข้"]),
        ("बुखार", &["बुखार"]),
        ("benh nhan", &["Bệnh", "nhân"]),
        ("nothing", &[]),
        ("血高", &[]),
    ];
    with_store(move |conn| {
        for (n, words) in (1..).zip(texts) {
            say(conn, (2, 1), n, log(n.into()), &text(words));
        }
        for (typed, expected) in queries {
            assert_eq!(&marked(conn, typed), expected, "{typed}");
        }
    });
}

#[test]
fn nothing_that_is_typed_is_an_operator() {
    let hostile = [
        "a OR b",
        "NOT a",
        "a AND",
        "\"",
        "\"\"",
        "a\" OR \"b",
        "a*",
        "*",
        "^a",
        "text:a",
        "{scope}:a",
        "NEAR(a b)",
        "(a",
        "a)",
        "-a",
        "a + b",
        "'; DROP TABLE item; --",
        "\0",
        "\u{1}\u{2}\u{3}",
        "a\0b",
        "\\",
        "%",
        "_",
        "🩺",
        "-",
        "AND",
        "scope : c1",
        "\u{feff}",
        "\u{301}",
    ];
    with_store(move |conn| {
        say(conn, (2, 1), 1, log(1), &text("a and b or not near c"));
        for typed in hostile {
            // None is an error; what is found holds the words as they were typed.
            let hits = find_all(conn, typed);
            assert!(hits.len() <= 1, "{typed:?}");
        }
        assert_eq!(marked(conn, "OR not"), ["or", "not"]);
        assert_eq!(marked(conn, "b\" c"), ["b", "c"]);
        assert!(find_all(conn, "a OR zebra").is_empty());
        assert!(find_all(conn, "*").is_empty());
    });
}

#[test]
fn marks_of_the_index_in_a_text_confuse_nobody() {
    with_store(|conn| {
        say(
            conn,
            (2, 1),
            1,
            log(1),
            &text("\u{1}x\u{2} fever \u{3}\u{1}\u{0} \u{feff}y"),
        );
        assert_eq!(marked(conn, "fever"), ["fever"]);
        assert_eq!(marked(conn, "y"), ["y"]);
    });
}

#[test]
fn a_snippet_stands_around_the_first_find() {
    let long = format!("{}fever{}", "ä".repeat(300) + " ", " ü".repeat(300) + " fever");
    with_store(move |conn| {
        say(conn, (2, 1), 1, log(1), &text(&long));
        let hits = find_all(conn, "fever");
        let snippet = hits[0].snippet.as_str();
        assert_eq!(snippet.chars().count(), SNIPPET_CHARS);
        assert_eq!(hits[0].highlights.len(), 1, "the second is beyond it");
        assert_eq!(&snippet[hits[0].highlights[0].clone()], "fever");
        assert_eq!(snippet[..hits[0].highlights[0].start].chars().count(), BEFORE_CHARS);
        assert!(!format!("{hits:?}").contains("fever"), "PHI cannot be printed");
    });
}

#[test]
fn unreadable_rows_are_found_by_nothing_and_harm_nothing() {
    with_store(|conn| {
        let row = ItemRow {
            place: Place::Log { incarnation: 1, seq: 9 },
            kind: ItemKind::Message,
            sender_device: DeviceId([9; 16]),
            sender_user: None,
            message: MessageId([9; 16]),
            content: Some(vec![0xff]),
            claimed_ms: None,
            accepted_ms: None,
            code: None,
            fold: Fold::default(),
        };
        item::add(conn, ID, &row).unwrap();
        search::put(conn, ID, row.reference(), 5, "planted").unwrap();
        let hits = find_all(conn, "planted");
        assert_eq!((hits[0].snippet.as_str(), hits[0].highlights.len()), ("", 0));
    });
}
