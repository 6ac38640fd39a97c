//! Plays, with all parts real.

use curo_demo::{CARE_TEAM, Logs, Output, Script, Verdict, play};

use crate::script;

async fn played(yaml: &str) -> (Verdict, String) {
    let script = Script::parse(yaml).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let logs = Logs::capture().unwrap();
    let mut written = Vec::new();
    let verdict = play(&script, dir.path(), &logs, &mut Output::new(&mut written, false)).await;
    let written = String::from_utf8(written).unwrap();
    match verdict {
        Ok(verdict) => (verdict, written),
        Err(error) => panic!("{error}\n{written}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_care_team_plays_and_every_proof_holds() {
    let (verdict, written) = played(CARE_TEAM).await;
    assert!(verdict.holds(), "{written}");
    assert_eq!((verdict.messages, verdict.commits), (14, 4));
    assert!(written.lines().all(|line| line.chars().count() <= 100));
    for shown in [
        "delivered 3/3",
        "[not readable here: 6 messages]",
        "-- Nora removed Paula --",
        "14 messages in 2",
    ] {
        assert!(written.contains(shown), "{shown}: {written}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expectation_that_does_not_hold_is_told_and_the_play_goes_on() {
    let steps = "  - create: { conversation: ward, by: Ana, with: [Ben] }\n  \
                 - send: { who: Ana, where: ward, text: for Ben alone }\n  \
                 - expect: { who: Cleo, reads: for Ben alone }\n  - expect: { who: Ben, does_not_read: for Ben alone }\n  \
                 - send: { who: Ben, where: ward, text: and it goes on }\n";
    let (verdict, written) = played(&script(steps)).await;
    assert_eq!(
        verdict.failures,
        [
            "line 9: Cleo reads: \"for Ben alone\"",
            "line 10: Ben does not read: \"for Ben alone\""
        ]
    );
    assert!(!verdict.holds());
    assert_eq!(verdict.messages, 2);
    assert!(
        written.contains("    FAIL  Cleo reads: \"for Ben alone\" (line 9)"),
        "{written}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_while_offline_with_messages_waiting_then_back_again() {
    let steps = "  - create: { conversation: ward, by: Ana, with: [Ben, Cleo] }\n  \
                 - send: { who: Ben, where: ward, text: Ben is a member }\n  - offline: Ben\n  \
                 - send: { who: Ana, where: ward, text: still meant for Ben }\n  \
                 - send: { who: Ben, where: ward, text: waiting in the outbox }\n  \
                 - remove: { who: Ben, where: ward, by: Ana }\n  \
                 - send: { who: Ana, where: ward, text: not meant for Ben }\n  - restart: Ben\n  \
                 - expect: { who: Ben, message: waiting in the outbox, is: queued }\n  - online: Ben\n  \
                 - expect: { who: Ben, reads: still meant for Ben }\n  \
                 - expect: { who: Ben, does_not_read: not meant for Ben }\n  \
                 - expect: { who: Ben, message: waiting in the outbox, is: failed }\n  \
                 - expect: { who: Ana, does_not_read: waiting in the outbox }\n  \
                 - add: { who: Ben, where: ward, by: Ana }\n  \
                 - send: { who: Ana, where: ward, text: welcome back Ben }\n  \
                 - send: { who: Ben, where: ward, text: good to be here again }\n  \
                 - expect: { who: Ben, message: good to be here again, is: delivered 2/2 }\n  \
                 - expect: { who: Ben, does_not_read: not meant for Ben }\n";
    let (verdict, written) = played(&script(steps)).await;
    assert!(verdict.holds(), "{written}");
    assert!(written.contains("[not readable here: 1 message]"), "{written}");
}

#[tokio::test(flavor = "multi_thread")]
async fn added_while_offline_and_still_offline_at_the_end() {
    let steps = "  - offline: Cleo\n  - create: { conversation: ward, by: Ana, with: [Ben] }\n  \
                 - add: { who: Cleo, where: ward, by: Ben }\n  \
                 - send: { who: Ana, where: ward, text: Cleo shall read this }\n  - online: Cleo\n  \
                 - expect: { who: Cleo, reads: Cleo shall read this }\n  - offline: Ben\n  \
                 - send: { who: Cleo, where: ward, text: Ben is not here }\n  \
                 - send: { who: Ben, where: ward, text: nor is the network }\n  - restart: relay\n  \
                 - remove: { who: Ben, where: ward, by: Ana }\n";
    let (verdict, written) = played(&script(steps)).await;
    assert!(verdict.holds(), "{written}");
    assert!(written.contains("On Ben's device (offline)"), "{written}");
    assert!(written.contains("[not here yet: 1 message]"), "{written}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_documentation_plays() {
    let page = include_str!("../../../../docs/demo.md");
    let (_, rest) = page.split_once("```yaml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let (verdict, written) = played(example).await;
    assert!(verdict.holds(), "{written}");
    assert!(written.contains("delivered 1/1"), "{written}");
}
