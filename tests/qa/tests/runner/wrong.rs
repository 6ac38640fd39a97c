//! Each way in which a scenario can be wrong, with the place and the reason that its author is told.

use curo_qa::{FILE_LIMIT, STEPS_LIMIT, Scenario, Wrong};

const HEAD: &str = "title: t\nactors: [{ name: ana }, { name: ben }]\nsteps:\n";
const ROOM: &str = "  - start: [ana, ben]\n  - create: { who: ana, as: ward, with: [ben] }\n";

fn wrongs(yaml: &str) -> Vec<Wrong> {
    match Scenario::parse("dir/file.yaml", yaml) {
        Ok(_) => panic!("it was taken: {yaml}"),
        Err(wrongs) => wrongs,
    }
}

/// A file in which `~` stands before the wrong word.
#[track_caller]
fn refused(marked: &str, reason: &str) {
    let (before, _) = marked.split_once('~').unwrap();
    let line = before.split('\n').count() as u64;
    let column = before.split('\n').next_back().unwrap().chars().count() as u64 + 1;
    let wrongs = wrongs(&marked.replacen('~', "", 1));
    let found = wrongs.iter().find(|wrong| wrong.reason.contains(reason));
    let found = found.unwrap_or_else(|| panic!("{reason:?} is not told: {wrongs:?}"));
    assert_eq!((found.line, found.column), (line, column), "{found}");
    assert!(
        found
            .to_string()
            .starts_with(&format!("dir/file.yaml:{line}:{column}: ")),
        "{found}"
    );
}

#[track_caller]
fn refused_step(step: &str, reason: &str) {
    refused(&format!("{HEAD}{ROOM}{step}"), reason);
}

#[test]
fn what_is_no_yaml_or_has_other_keys() {
    refused("title: ~[\n", "");
    refused(
        "title: t\n~color: red\nactors: [{ name: ana }]\nsteps:\n  - say: hello\n",
        "unknown field `color`",
    );
    refused(
        "title: t\nactors: [{ name: ana, ~age: 7 }]\nsteps:\n  - say: hello\n",
        "unknown field `age`",
    );
    refused(
        "title: t\nrelay: { ~port: 7 }\nactors: [{ name: ana }]\nsteps:\n  - say: hello\n",
        "unknown field `port`",
    );
    let empty = wrongs("");
    assert!(!empty[0].reason.is_empty());
    let large = wrongs(&format!("# {}\n", "x".repeat(FILE_LIMIT)));
    assert!(
        large[0].to_string().starts_with("dir/file.yaml: the file is larger"),
        "{large:?}"
    );
}

#[test]
fn actors_who_cannot_be() {
    refused("title: t\nactors: ~[]\nsteps:\n  - say: hello\n", "there are 0 actors");
    refused(
        "title: t\nactors: [{ name: ~Ana }]\nsteps:\n  - say: hello\n",
        "a name of 1 to 24",
    );
    refused(
        "title: t\nactors: [{ name: ana }, { name: ~ana }]\nsteps:\n  - say: hello\n",
        "two actors",
    );
    refused(
        "title: t\nactors: [{ name: ana, phone_of: ~ben }]\nsteps:\n  - say: hello\n",
        "further up with a phone",
    );
    refused(
        "title: t\nactors: [{ name: ana, vault: ~open }]\nsteps:\n  - say: hello\n",
        "background, user_presence",
    );
    refused(
        "title: t\nactors: [{ name: ana, disk_mb: ~0 }]\nsteps:\n  - say: hello\n",
        "1 to 64",
    );
}

#[test]
fn phones_and_disks_that_cannot_be() {
    let steps = "\nsteps:\n  - say: hello\n";
    let chain = "title: t\nactors: [{ name: a }, { name: b, phone_of: a }, { name: c, phone_of: ~b }]";
    refused(&format!("{chain}{steps}"), "with a phone of its own");
    let disk = "title: t\nactors: [{ name: a }, { name: b, phone_of: a, disk_mb: ~8 }]";
    refused(&format!("{disk}{steps}"), "of the phone's owner");
    let policy = "title: t\nrelay: { device_approval: ~never }\nactors: [{ name: a }]";
    refused(&format!("{policy}{steps}"), "expected one of none, required");
}

#[test]
fn a_name_given_in_parallel_holds_only_afterwards() {
    let send = "send: { who: ana, in: ward, text: hi, as: hi }";
    refused_step(
        &format!("  - parallel:\n      - {send}\n      - edit: {{ who: ana, message: ~hi, text: ho }}\n"),
        "no message \"hi\" further up",
    );
    refused_step(
        &format!(
            "  - parallel:\n      - {send}\n      - {}\n",
            send.replace("as: hi", "as: ~hi")
        ),
        "\"hi\" is a name already",
    );
    let after = format!(
        "{HEAD}{ROOM}  - parallel: [{{ {send} }}, {{ lock: {{ who: ben }} }}]\n  - delete: {{ who: ana, message: hi }}\n"
    );
    Scenario::parse("f", &after).unwrap();
}

#[test]
fn verbs_and_keys_that_do_not_exist() {
    refused_step(
        "  - ~shout: { who: ana }\n",
        "`shout` is no verb; expected one of say, parallel, start",
    );
    refused_step(
        "  - send: { who: ana, in: ward, text: hi, ~loud: true }\n",
        "`send` takes no `loud`; expected: who, in, text",
    );
    refused_step(
        "  - leave: { who: ana, in: ward, emoji: ~x }\n",
        "`leave` takes no `emoji`; expected: who, in, error",
    );
    refused_step(
        "  - ~send: { who: ana, text: hi }\n",
        "`send` without `in`; it takes: who, in, text",
    );
    refused_step("  - say: hello\n    ~start: [ana]\n", "`start` is a second verb");
    refused_step(
        "  - send_many: { who: ana, in: ward, count: ~many, text: \"{n}\" }\n",
        "",
    );
}

#[test]
fn names_that_nobody_has() {
    refused_step(
        "  - lock: { who: ~anna }\n",
        "nobody is called \"anna\"; expected one of ana, ben",
    );
    refused_step("  - kill: [ana, ~cleo]\n", "nobody is called \"cleo\"");
    refused_step(
        "  - leave: { who: ana, in: ~hall }\n",
        "no conversation \"hall\" further up; there are: ward",
    );
    refused_step(
        "  - delete: { who: ana, message: ~note }\n",
        "no message \"note\" further up; there are: none yet",
    );
    refused_step(
        "  - delete: { who: ana, message: ~ward }\n",
        "\"ward\" names a conversation; a message was expected",
    );
    refused_step(
        "  - create: { who: ana, as: ~ward, with: [] }\n",
        "\"ward\" is a name already",
    );
}

#[test]
fn words_and_numbers_out_of_range() {
    refused_step(
        "  - network: { who: ana, is: ~gone }\n",
        "expected one of up, cut, reset, stalled",
    );
    refused_step("  - tokens: { who: ana, is: ~bad }\n", "expected one of good");
    refused_step("  - relay: ~explode\n", "expected one of kill, stop, start, restart");
    refused_step("  - relay: ~start\n", "the relay runs here");
    refused_step(
        "  - expect: { who: ana, session: ~asleep }\n",
        "expected one of active, locked",
    );
    refused_step(
        "  - expect: { who: ana, waiting: 0, within_s: ~0 }\n",
        "1 to 900 seconds",
    );
    refused_step("  - send_many: { who: ana, in: ward, count: 1, text: ~same }\n", "{n}");
    refused_step(
        "  - send_many: { who: ana, in: ward, count: ~20001, text: \"{n}\" }\n",
        "20000 at most",
    );
    refused_step("  - disk: { who: ~ana, is: full }\n", "`disk_mb` was expected");
}

#[test]
fn steps_of_who_does_not_run() {
    refused_step(
        "  - kill: [ana]\n  - lock: { who: ~ana }\n",
        "ana's app does not run here",
    );
    refused(
        &format!("{HEAD}  - send: {{ who: ~ana, in: x, text: y }}\n"),
        "ana's app does not run here",
    );
}

#[test]
fn expectations_that_make_no_sense() {
    refused_step(
        "  - ~expect: { who: ana, in: ward }\n",
        "expects nothing of a conversation",
    );
    refused_step(
        "  - expect: { who: ana, in: ward, session: ~locked }\n",
        "`session` is not asked of a conversation",
    );
    refused_step(
        "  - ~send: { who: ana, in: ward, text: a, text_bytes: 1 }\n",
        "exactly one of",
    );
    refused_step("  - ~send: { who: ana, in: ward }\n", "exactly one of");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let yaml = format!("{HEAD}{ROOM}  - lock: {{ who: zoe }}\n  - relay: sleep\n  - unlock: {{ }}\n");
    assert_eq!(
        wrongs(&yaml).iter().map(|wrong| wrong.line).collect::<Vec<_>>(),
        [6, 7, 8]
    );
}

#[test]
fn too_many_steps() {
    let many = "  - say: again\n".repeat(STEPS_LIMIT + 1);
    assert!(
        wrongs(&format!("{HEAD}{many}"))[0]
            .reason
            .contains("there are 501 steps")
    );
    assert!(
        wrongs("title: t\nactors: [{ name: a }]\nsteps: []\n")[0]
            .reason
            .contains("there are 0 steps")
    );
}

#[test]
fn what_is_done_around_an_app_that_runs() {
    refused_step("  - clock: { who: ~ana, days: 1 }\n", "ana's app runs here");
    refused_step("  - key: { who: ~ben, is: wrong }\n", "ben's app runs here");
    let before = "title: t\nactors: [{ name: ana }]\nsteps:\n  - clock: { who: ana, days: 1 }\n  - start: [ana]\n";
    Scenario::parse("f", before).unwrap();
}
