//! Each way in which a script can be wrong, with the place and the reason that its author is told.

use curo_demo::{CARE_TEAM, SCRIPT_LIMIT, STEPS_LIMIT, Script, ScriptError};

use crate::script;

const ROOM: &str = "  - create: { conversation: ward, by: Ana, with: [Ben] }\n";

fn error(yaml: &str) -> ScriptError {
    match Script::parse(yaml) {
        Ok(_) => panic!("it was taken: {yaml}"),
        Err(error) => error,
    }
}

/// A whole script in which `@` stands before the wrong word.
#[track_caller]
fn refused_whole(marked: &str, reason: &str) {
    let (before, _) = marked.split_once('@').unwrap();
    let line = before.split('\n').count() as u64;
    let column = before.split('\n').next_back().unwrap().chars().count() as u64 + 1;
    let error = error(&marked.replacen('@', "", 1));
    assert!(error.reason.contains(reason), "{error}");
    assert_eq!((error.line, error.column), (line, column), "{error}");
    assert!(
        error
            .to_string()
            .starts_with(&format!("line {line}, column {column}: ")),
        "{error}"
    );
}

/// The same for steps alone.
#[track_caller]
fn refused(steps: &str, reason: &str) {
    refused_whole(&script(steps), reason);
}

#[track_caller]
fn refused_in_room(steps: &str, reason: &str) {
    refused(&format!("{ROOM}{steps}"), reason);
}

#[test]
fn the_default_scenario_is_right() {
    Script::parse(CARE_TEAM).unwrap();
}

#[test]
fn a_long_scenario_with_everything_is_right() {
    let steps = format!(
        "{ROOM}  - offline: Ben\n  - send: {{ who: Ben, where: ward, text: first from Ben }}\n  \
         - remove: {{ who: Ben, where: ward, by: Ana }}\n  - restart: Ben\n  - online: Ben\n  \
         - expect: {{ who: Ben, message: first from Ben, is: failed }}\n  \
         - add: {{ who: Ben, where: ward, by: Ana }}\n  - restart: relay\n"
    );
    Script::parse(&script(&steps)).unwrap();
}

#[test]
fn what_is_no_yaml_or_not_the_form() {
    refused("  - say: @[\n", "");
    refused("  - @sned: { who: Ana }\n", "unknown variant `sned`");
    refused("  - send: { who: Ana, @where: ward }\n", "missing field `text`");
    refused(
        "  - send: { who: Ana, where: ward, text: long enough, @loud: true }\n",
        "unknown field `loud`",
    );
    refused("  - offline: @[Ana]\n", "");
    refused("  - say@:\n", "null is not allowed here");
    let empty = error("");
    assert!(!empty.reason.is_empty(), "{empty}");
    refused_whole(&script(ROOM).replace("title: t\n", "title: t\n@title: u\n"), "title");
}

#[test]
fn what_is_too_much() {
    let large = error(&format!("# {}\n{}", "x".repeat(SCRIPT_LIMIT), script(ROOM)));
    assert_eq!((large.line, large.column), (0, 0));
    assert!(large.to_string().starts_with("the script is larger"), "{large}");
    let steps = "  - say: again and again\n".repeat(STEPS_LIMIT + 1);
    refused(&steps.replacen("- say", "@- say", 1), "there are 301 steps");
    refused("  @[]\n", "there are 0 steps");
    refused(&format!("  - say: @{}\n", "x".repeat(1001)), "narration is longer");
    let long = "x".repeat(1024 * 1024);
    refused_in_room(
        &format!("  - send: {{ who: Ana, where: ward, text: @{long} }}\n"),
        "a message takes 1047552 at most",
    );
    let bomb = error("title: &a [x,x,x,x,x,x,x,x]\npeople: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nsteps: [*b,*b,*b,*b,*b,*b]\n");
    assert!(bomb.line > 0, "{bomb}");
}

#[test]
fn people_who_cannot_be() {
    let replaced = |from: &str, to: &str, reason| refused_whole(&script(ROOM).replace(from, to), reason);
    replaced("name: Ben", "name: @Ana", "two people are called \"Ana\"");
    replaced("subject: ben", "subject: @ana", "is the subject of \"Ana\" already");
    replaced("name: Ben", "name: @relay", "nobody can be called \"relay\"");
    replaced("name: Ben", "name: @' '", "the name is empty");
    replaced("role: patient", r#"role: @"a\u001b[2J""#, "control character");
    replaced("name: Ben", &format!("name: @{}", "B".repeat(41)), "longer than 40");
    let alone = error("title: t\npeople:\n  - { name: Ana, role: r, subject: s }\nsteps:\n  - say: hello\n");
    assert!(alone.reason.contains("there are 1 people"), "{alone}");
}

#[test]
fn names_that_nobody_has() {
    refused("  - offline: @Zoe\n", "nobody called \"Zoe\"; people: Ana, Ben, Cleo");
    refused("  - restart: @Relay\n", "nobody called \"Relay\"");
    refused(
        "  - create: { conversation: c, by: Ana, with: [@Zoe] }\n",
        "nobody called",
    );
    refused(
        "  - send: { who: Ana, where: @nowhere, text: long enough }\n",
        "no conversation \"nowhere\"",
    );
    refused_in_room("  - add: { who: @Zoe, where: ward, by: Ana }\n", "nobody called");
}

#[test]
fn conversations_that_cannot_be() {
    refused_in_room(&ROOM.replace("ward", "@ward"), "exists already");
    refused(
        "  - create: { conversation: c, by: Ana, with: @[] }\n",
        "needs somebody else",
    );
    let twice = |with: &str| format!("  - create: {{ conversation: c, by: Ana, with: {with} }}\n");
    refused(&twice("[Ben, @Ana]"), "Ana is in it already");
    refused(&twice("[Ben, @Ben]"), "Ben is in it already");
    refused(
        "  - direct: { conversation: c, by: Ana, with: @Ana }\n",
        "needs somebody else",
    );
    let direct = "  - direct: { conversation: c, by: Ana, with: Ben }\n";
    let again = "  - direct: { conversation: d, by: Ben, with: @Ana }\n";
    refused(
        &format!("{direct}{again}"),
        "have their direct conversation already: \"c\"",
    );
    let third = "  - add: { who: Cleo, where: @c, by: Ana }\n";
    refused(&format!("{direct}{third}"), "between its two people");
}

#[test]
fn texts_that_cannot_be() {
    refused_in_room(
        "  - send: { who: Ana, where: ward, text: @short }\n",
        "has 5 bytes; it needs 8",
    );
    refused_in_room(
        "  - send: { who: Ana, where: ward, text: @'        ' }\n",
        "the text is empty",
    );
    let send = "  - send: { who: Ana, where: ward, text: the same words }\n";
    let again = send.replace("the same", "@the same");
    refused_in_room(&format!("{send}{again}"), "the same text is sent in line 8");
}

#[test]
fn who_is_not_where_the_script_wants_them() {
    let not_there = "Cleo is not a member of \"ward\"";
    refused_in_room("  - send: { who: @Cleo, where: ward, text: long enough }\n", not_there);
    refused_in_room(
        "  - add: { who: @Ben, where: ward, by: Ana }\n",
        "a member of \"ward\" already",
    );
    refused_in_room("  - add: { who: Cleo, where: ward, by: @Cleo }\n", not_there);
    refused_in_room("  - remove: { who: @Cleo, where: ward, by: Ana }\n", not_there);
    refused_in_room(
        "  - remove: { who: @Ana, where: ward, by: Ana }\n",
        "nobody can remove themselves",
    );
    let gone = "  - remove: { who: Ben, where: ward, by: Ana }\n  \
                - send: { who: @Ben, where: ward, text: long enough }\n";
    refused_in_room(gone, "Ben is not a member");
}

#[test]
fn who_is_online_or_offline_already() {
    refused("  - online: @Ana\n", "Ana is online already");
    refused("  - offline: Ana\n  - offline: @Ana\n", "Ana is offline already");
    refused(
        "  - offline: Ana\n  - online: Ana\n  - online: @Ana\n",
        "Ana is online already",
    );
    refused(
        &format!("  - offline: Ana\n{}", ROOM.replace("Ana", "@Ana")),
        "Ana is offline",
    );
    let add = "  - offline: Ben\n  - add: { who: Cleo, where: ward, by: @Ben }\n";
    refused_in_room(add, "Ben is offline");
    let unknowing = "  - offline: Cleo\n  - add: { who: Cleo, where: ward, by: Ana }\n  \
                     - send: { who: @Cleo, where: ward, text: long enough }\n";
    refused_in_room(unknowing, "was added to \"ward\" while offline");
    let never = "  - offline: Cleo\n  - add: { who: Cleo, where: ward, by: Ana }\n  \
                 - remove: { who: @Cleo, where: ward, by: Ana }\n";
    refused_in_room(never, "must come online between joining and removal");
    let back = "  - offline: Ben\n  - remove: { who: Ben, where: ward, by: Ana }\n  \
                - add: { who: @Ben, where: ward, by: Ana }\n";
    refused_in_room(back, "must come online between removal and return");
}

#[test]
fn expectations_that_say_nothing() {
    let expect = |marked: &str, reason| {
        let send = "  - send: { who: Ana, where: ward, text: long enough }\n";
        refused_in_room(&format!("{send}  - expect: {{ {marked} }}\n"), reason);
    };
    expect("who: Ben, reads: @never sent", "no such text was sent before");
    expect("who: Ben, does_not_read: @never sent", "no such text was sent before");
    expect("who: @Ben", "an expectation has `reads`");
    expect(
        "who: @Ben, reads: long enough, does_not_read: long enough",
        "an expectation has",
    );
    expect("who: @Ana, message: long enough", "an expectation has");
    expect("who: Ben, message: @long enough, is: sent", "Ben did not send this");
    for (is, reason) in [
        ("gone", "a delivery is"),
        ("delivered", "a delivery is"),
        ("delivered x/2", "a delivery is"),
        ("delivered 0/2", "1 to N can have it"),
        ("delivered 3/2", "1 to N can have it"),
    ] {
        expect(&format!("who: Ana, message: long enough, is: @{is}"), reason);
    }
}

#[test]
fn what_cannot_be_said_about_a_message() {
    let sent = "  - send: { who: Ana, where: ward, text: long enough }\n";
    let steps = |steps: &str, reason| refused_in_room(&format!("{sent}{steps}"), reason);
    let only_sender = "only its sender changes a message";
    steps(
        "  - edit: { who: Ben, message: @long enough, text: other words }\n",
        only_sender,
    );
    steps("  - delete: { who: Ben, message: @long enough }\n", only_sender);
    steps(
        "  - edit: { who: Ana, message: long enough, text: @long enough }\n",
        "the same text is sent in line 8",
    );
    steps(
        "  - edit: { who: Ana, message: @never sent, text: other words }\n",
        "no such text was sent before",
    );
    steps(
        "  - delete: { who: @Cleo, message: long enough }\n",
        "Cleo is not a member",
    );
    let deleted = "  - delete: { who: Ana, message: long enough }\n  - edit: { who: Ana, message: @long enough, text: other words }\n";
    steps(deleted, "the message was deleted before");
    steps(
        "  - offline: Ana\n  - delete: { who: @Ana, message: long enough }\n",
        "Ana is offline",
    );
    steps(
        "  - acknowledge: { who: Ben, message: @long enough }\n",
        "only what was sent with a `priority`",
    );
    let urgent = "  - send: { who: Ana, where: ward, priority: stat, text: come at once }\n";
    let urgently = |steps: &str, reason| refused_in_room(&format!("{urgent}{steps}"), reason);
    urgently(
        "  - acknowledge: { who: @Ana, message: come at once }\n",
        "nobody acknowledges their own",
    );
    let twice =
        "  - acknowledge: { who: Ben, message: come at once }\n  - acknowledge: { who: @Ben, message: come at once }\n";
    urgently(twice, "Ben has acknowledged it already");
    refused_in_room(&urgent.replace("stat", "@loud"), "a priority is `urgent` or `stat`");
    steps(
        "  - search: { who: Ben, words: @' ', finds: [] }\n",
        "nothing to search for",
    );
    steps(
        "  - search: { who: Ben, words: long, finds: [@never sent] }\n",
        "no such text was sent before",
    );
    let waiting = "  - offline: Ben\n  - send: { who: Ben, where: ward, text: not sent yet }\n  \
                   - edit: { who: Ana, message: @not sent yet, text: other words }\n";
    steps(waiting, "is not on Ana's device");
}

#[test]
fn phones_that_are_not_where_the_script_wants_them() {
    let shared = |steps: &str, reason: &str| {
        let yaml = script(steps).replace("subject: cleo }", "subject: cleo, phone_of: Ana }");
        refused_whole(&yaml, reason);
    };
    refused("  - lock: Ana\n  - lock: @Ana\n", "Ana's phone is locked");
    refused("  - unlock: @Ana\n", "Ana's phone is not locked");
    refused("  - lock: Ana\n  - offline: @Ana\n", "Ana's phone is locked");
    refused("  - lock: Ana\n  - restart: @Ana\n", "Ana's phone is locked");
    refused(
        "  - lock: Ana\n  - expect: { who: @Ana, reads: x }\n",
        "Ana's phone is locked",
    );
    refused("  - offline: Ana\n  - lock: @Ana\n", "Ana is offline");
    let marked = script("  - lock: Ana\n").replacen("name: Ana", "name: @Ana", 1);
    refused_whole(&marked, "still locked at the end");
    refused("  - hand_over: { from: Ana, to: @Ben }\n", "do not share a phone");
    shared("  - online: @Cleo\n", "Cleo has not signed in");
    shared(
        "  - create: { conversation: c, by: Ana, with: [@Cleo] }\n",
        "Cleo has not signed in",
    );
    shared(
        "  - hand_over: { from: @Cleo, to: Ana }\n",
        "the phone is not in Cleo's hands",
    );
    shared(
        "  - hand_over: { from: Ana, to: Cleo }\n  - offline: @Ana\n",
        "Ana's phone is in other hands",
    );
    let gone = "  - hand_over: { from: Ana, to: Cleo }\n  - sign_out: { who: Cleo }\n  ";
    shared(&format!("{gone}- online: @Cleo\n"), "Cleo has signed out");
    shared(
        &format!("{gone}- hand_over: {{ from: Cleo, to: Ana }}\n  - hand_over: {{ from: Ana, to: @Cleo }}\n"),
        "a play ends there",
    );
    refused("  - sign_out: { who: @Ana, unsent: 1 }\n", "has nothing unsent");
    refused("  - offline: Ana\n  - sign_out: { who: @Ana }\n", "Ana is offline");
    let waiting =
        "  - offline: Ana\n  - send: { who: Ana, where: ward, text: long enough }\n  - sign_out: { who: @Ana }\n";
    refused_in_room(waiting, "say `unsent` with its number");
    let phone =
        |marked: &str| script(ROOM).replace("subject: cleo }", &format!("subject: cleo, phone_of: {marked} }}"));
    refused_whole(&phone("@Zoe"), "nobody further up is called \"Zoe\"");
    refused_whole(&phone("@Cleo"), "nobody further up");
    let chain = phone("@Ben").replace("subject: ben }", "subject: ben, phone_of: Ana }");
    refused_whole(&chain, "\"Ben\" has no phone of their own");
}
