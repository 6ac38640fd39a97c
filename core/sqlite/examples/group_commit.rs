//! Writes per second: one caller that awaits each commit against 64 callers that share commits.
//!
//! `cargo run -p curo-sqlite --example group_commit -- [seconds] [folder]`
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measuring tool for developers"
)]

use std::time::{Duration, Instant};

use curo_sqlite::{CipherKey, Database, DbError, Migration, Mode, Options};

static MIGRATIONS: [Migration; 1] = [Migration {
    version: 1,
    name: "rows",
    sql: "CREATE TABLE rows(id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;",
    rust: None,
}];

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(5);
    let folder = arguments.next().map_or_else(std::env::temp_dir, Into::into);
    for callers in [1, 8, 64, 256] {
        let dir = tempfile::tempdir_in(&folder).unwrap();
        let options = Options {
            application_id: 1,
            migrations: &MIGRATIONS,
            readers: 1,
            cache_kib: 4096,
            mode: Mode::Create,
        };
        let db = Database::open(dir.path().join("a.db"), &CipherKey::generate().unwrap(), options)
            .await
            .unwrap();
        let start = Instant::now();
        let end = start + Duration::from_secs(seconds);
        let tasks: Vec<_> = (0..callers)
            .map(|_| tokio::spawn(write_until(db.clone(), end)))
            .collect();
        let mut writes = 0;
        for task in tasks {
            writes += task.await.unwrap();
        }
        let rate = f64::from(writes) / start.elapsed().as_secs_f64();
        println!("{callers:4} callers: {rate:8.0} writes/s of 200 bytes, each durable before its answer");
        db.close().await.unwrap();
    }
}

async fn write_until(db: Database, end: Instant) -> u32 {
    let mut writes = 0;
    while Instant::now() < end {
        db.write(|tx| {
            tx.prepare_cached("INSERT INTO rows(body) VALUES (?1)")?
                .execute([[7_u8; 200]])?;
            Ok::<_, DbError>(())
        })
        .await
        .unwrap();
        writes += 1;
    }
    writes
}
