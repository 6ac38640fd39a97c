//! `docs/protocol.md` says what the code says.

use curo_types::ErrorCode;
use curo_types::api::limits;

use crate::file::repository_file;
use crate::vectors::FORMATS;

fn rows(page: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| {
        line.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    page.lines().filter(|line| line.starts_with('|')).map(cells).collect()
}

#[test]
fn every_code_has_its_row_with_status_and_retryability() {
    let rows = rows(&repository_file("docs/protocol.md"));
    for (code, status, retryable) in ErrorCode::KNOWN {
        let retryable = if *retryable { "yes" } else { "no" };
        let expected = match status {
            0 => vec![format!("`{code}`"), retryable.to_owned()],
            status => vec![format!("`{code}`"), status.to_string(), retryable.to_owned()],
        };
        let found = rows
            .iter()
            .any(|row| row.len() == expected.len() + 1 && row.starts_with(&expected));
        assert!(found, "section 13 lacks the row {expected:?}");
    }
}

#[test]
fn no_row_names_a_code_that_does_not_exist() {
    let page = repository_file("docs/protocol.md");
    let (_, section) = page.split_once("## 13. Error codes").unwrap();
    let (section, _) = section.split_once("## 14.").unwrap();
    let names: Vec<_> = rows(section)
        .into_iter()
        .filter_map(|row| Some(row[0].strip_prefix('`')?.to_owned()))
        .collect();
    assert_eq!(names.len(), ErrorCode::KNOWN.len());
    for name in names {
        let name = name.trim_end_matches('`');
        assert!(ErrorCode::KNOWN.iter().any(|(code, ..)| *code == name), "{name}");
    }
}

#[test]
fn every_limit_has_its_row() {
    let rows = rows(&repository_file("docs/protocol.md"));
    let all: &[(&str, u64)] = &[
        ("MESSAGES_PER_BATCH", limits::MESSAGES_PER_BATCH as u64),
        ("BATCH_BYTES", limits::BATCH_BYTES as u64),
        ("MESSAGE_BYTES", limits::MESSAGE_BYTES as u64),
        ("COMMIT_BYTES", limits::COMMIT_BYTES as u64),
        ("WELCOME_BYTES", limits::WELCOME_BYTES as u64),
        ("GROUP_INFO_BYTES", limits::GROUP_INFO_BYTES as u64),
        ("KEY_PACKAGE_BYTES", limits::KEY_PACKAGE_BYTES as u64),
        ("KEY_PACKAGES_PER_UPLOAD", limits::KEY_PACKAGES_PER_UPLOAD as u64),
        ("KEY_PACKAGES_PER_DEVICE", limits::KEY_PACKAGES_PER_DEVICE as u64),
        ("USERS_PER_REQUEST", limits::USERS_PER_REQUEST as u64),
        ("SUITES", limits::SUITES as u64),
        ("LEAVES", limits::LEAVES as u64),
        ("ENTRIES_PER_PAGE", limits::ENTRIES_PER_PAGE as u64),
        ("PAGE_BYTES", limits::PAGE_BYTES as u64),
        ("REPLAY_ENTRIES", limits::REPLAY_ENTRIES as u64),
        ("REPLAY_ENVELOPES", limits::REPLAY_ENVELOPES as u64),
        ("INBOX_PER_PAGE", limits::INBOX_PER_PAGE as u64),
        ("CURSORS_PER_REQUEST", limits::CURSORS_PER_REQUEST as u64),
        ("DEVICES_PER_USER", limits::DEVICES_PER_USER as u64),
        ("MANDATORY_MEMBERS", limits::MANDATORY_MEMBERS as u64),
        ("RECEIPT_BYTES", limits::RECEIPT_BYTES as u64),
        ("PUSH_TARGET_BYTES", limits::PUSH_TARGET_BYTES as u64),
        ("RECEIPT_INTERVAL_MS", limits::RECEIPT_INTERVAL_MS),
        ("RECEIPTS_UNASKED", limits::RECEIPTS_UNASKED as u64),
        ("HEARTBEAT_SECONDS", limits::HEARTBEAT_SECONDS),
        ("REQUEST_BYTES", limits::REQUEST_BYTES as u64),
        ("ANSWER_BYTES", limits::ANSWER_BYTES as u64),
    ];
    let source = repository_file("core/types/src/api/limits.rs");
    assert_eq!(
        source.matches("pub const ").count(),
        all.len(),
        "a limit that this test does not know"
    );
    for (name, value) in all {
        let cells = [value.to_string(), format!("`{name}`")];
        assert!(
            rows.iter().any(|row| row.len() == 3 && row[1..] == cells),
            "section 14 lacks {name} = {value}"
        );
    }
}

#[test]
fn every_format_is_described() {
    let page = repository_file("docs/protocol.md").to_lowercase();
    for format in FORMATS {
        let title = match format {
            "direct_conversation_id" => "id of a direct conversation".to_owned(),
            format => format.replace('_', " "),
        };
        assert!(
            page.lines()
                .any(|line| line.starts_with("### 2.") && line.contains(&title)),
            "{title}"
        );
    }
}

/// Each JSON member and each kind that a sample has is named on the page.
#[test]
fn every_json_member_is_described() {
    let page = repository_file("docs/protocol.md");
    let words: std::collections::BTreeSet<&str> =
        page.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect();
    for (name, sample) in crate::samples::samples() {
        let mut members = Vec::new();
        collect(&sample, &mut members);
        for member in members {
            assert!(words.contains(member.as_str()), "{name}: {member}");
        }
    }
}

fn collect(value: &serde_json::Value, members: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(object) => {
            for (name, value) in object {
                members.push(name.clone());
                if name == "kind" || name == "event" {
                    members.push(value.as_str().unwrap().to_owned());
                }
                collect(value, members);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, members)),
        _ => {}
    }
}
