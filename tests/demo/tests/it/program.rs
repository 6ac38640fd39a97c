//! The program: its exit codes, and where it writes.

use std::path::Path;
use std::process::{Command, Output};

use crate::script;

fn demo(arguments: &[&str], file: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_curo-demo"))
        .args(arguments)
        .arg(file)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_wrong_script_is_exit_code_2_with_its_place_and_nothing_is_played() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("wrong.yaml");
    std::fs::write(&file, script("  - offline: Zoe\n")).unwrap();
    for argument in ["--script", "--check"] {
        let run = demo(&[argument], &file);
        assert_eq!(run.status.code(), Some(2));
        assert_eq!(text(&run.stdout), "");
        assert!(text(&run.stderr).contains("wrong.yaml: line 7, column 14: there is nobody called \"Zoe\""));
    }
    let missing = demo(&["--script"], &dir.path().join("missing.yaml"));
    assert_eq!(missing.status.code(), Some(2));
    std::fs::write(&file, [0xff, 0xfe]).unwrap();
    assert_eq!(demo(&["--check"], &file).status.code(), Some(2));
}

#[test]
fn a_right_script_is_only_checked_when_asked_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("right.yaml");
    std::fs::write(&file, script("  - offline: Ana\n")).unwrap();
    let run = demo(&["--check"], &file);
    assert_eq!((run.status.code(), text(&run.stdout)), (Some(0), ""));
}

#[test]
fn what_does_not_hold_is_exit_code_1_and_files_are_kept_where_asked() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("false.yaml");
    let steps = "  - create: { conversation: ward, by: Ana, with: [Ben] }\n  \
                 - send: { who: Ana, where: ward, text: for Ben alone }\n  - expect: { who: Cleo, reads: for Ben alone }\n";
    std::fs::write(&file, script(steps)).unwrap();
    let kept = dir.path().join("kept");
    let run = demo(&["--keep", kept.to_str().unwrap(), "--script"], &file);
    assert_eq!(run.status.code(), Some(1), "{}", text(&run.stderr));
    assert!(text(&run.stdout).contains("FAIL  Cleo reads: \"for Ben alone\""));
    assert!(!run.stdout.contains(&0x1b), "no terminal, no colours");
    assert!(kept.join("relay/data/relay.db").exists());
    assert!(kept.join("people/1/wrapping.key").exists());

    let again = demo(&["--keep", kept.to_str().unwrap(), "--script"], &file);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("the folder is not empty"));
}
