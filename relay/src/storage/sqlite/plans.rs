//! Explains every statement: none reads a whole table or a whole tenant.

use curo_sqlite::rusqlite::Connection;

const SOURCES: &[(&str, &str)] = &[
    ("announce", include_str!("announce.rs")),
    ("claims", include_str!("claims.rs")),
    ("commits", include_str!("commits.rs")),
    ("conversations", include_str!("conversations.rs")),
    ("cursors", include_str!("cursors.rs")),
    ("devices", include_str!("devices.rs")),
    ("directory", include_str!("directory.rs")),
    ("feed", include_str!("feed.rs")),
    ("inbox", include_str!("inbox.rs")),
    ("incarnations", include_str!("incarnations.rs")),
    ("key_packages", include_str!("key_packages.rs")),
    ("leaving", include_str!("leaving.rs")),
    ("log", include_str!("log.rs")),
    ("messages", include_str!("messages.rs")),
    ("outages", include_str!("outages.rs")),
    ("outside", include_str!("outside.rs")),
    ("people", include_str!("people.rs")),
    ("receipts", include_str!("receipts.rs")),
    ("replay", include_str!("replay.rs")),
    ("retention", include_str!("retention.rs")),
    ("silence", include_str!("silence.rs")),
    ("sweep", include_str!("sweep.rs")),
    ("tenants", include_str!("tenants.rs")),
    ("turns", include_str!("turns.rs")),
];

/// Tables with one row for each tenant.
const ONE_ROW: &[&str] = &["SEARCH tenant ", "SEARCH tenant_key "];

/// The string literals that are statements. None of the files has a quote anywhere else.
fn statements(source: &str) -> impl Iterator<Item = &str> {
    source.split('"').skip(1).step_by(2).filter(|text| {
        ["SELECT ", "UPDATE ", "DELETE ", "INSERT "]
            .iter()
            .any(|verb| text.starts_with(verb))
    })
}

#[test]
fn no_statement_reads_a_whole_table_or_tenant() {
    let conn = Connection::open_in_memory().unwrap();
    for migration in super::MIGRATIONS {
        conn.execute_batch(migration.sql).unwrap();
    }
    let mut explained = 0;
    for (file, source) in SOURCES {
        for sql in statements(source) {
            let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let mut rows = explain.raw_query();
            while let Some(row) = rows.next().unwrap() {
                let step: String = row.get(3).unwrap();
                let whole_tenant = step.ends_with("(tenant=?)") && !ONE_ROW.iter().any(|table| step.starts_with(table));
                assert!(!step.starts_with("SCAN") && !whole_tenant, "{file}: {sql}: {step}");
            }
            explained += 1;
        }
    }
    assert!(explained > 70, "{explained} statements found");
}
