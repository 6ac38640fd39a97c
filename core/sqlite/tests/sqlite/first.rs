//! The first databases of a process, opened at the same moment.

use std::process::Command;
use std::sync::Barrier;
use std::thread;

use curo_sqlite::{CipherKey, Database, Mode, Options};

use crate::support::options;

const CHILD: &str = "CURO_SQLITE_TEST_FIRST";

/// Only a process that has opened nothing yet can show it, and not every one does.
#[test]
fn the_first_databases_of_a_process_open_side_by_side() {
    for _ in 0..20 {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["first::side_by_side", "--exact", "--ignored"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    }
}

#[test]
#[ignore = "a process of its own runs it"]
fn side_by_side() {
    assert!(std::env::var_os(CHILD).is_some(), "run by the test above");
    let dir = tempfile::tempdir().unwrap();
    let key = CipherKey::generate().unwrap();
    let start = Barrier::new(4);
    thread::scope(|scope| {
        for n in 0..4 {
            let (dir, key, start) = (&dir, &key, &start);
            scope.spawn(move || {
                start.wait();
                let options = Options {
                    mode: Mode::Create,
                    ..options()
                };
                let db = Database::open_blocking(dir.path().join(format!("{n}.db")), key, options).unwrap();
                db.close_blocking().unwrap();
            });
        }
    });
}
