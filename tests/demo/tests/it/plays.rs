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
    // Ida's own commit was served to her device alone, which is gone.
    assert_eq!((verdict.messages, verdict.commits), (24, 4));
    assert!(written.lines().all(|line| line.chars().count() <= 100));
    for shown in [
        "delivered 3/3",
        "[not readable here: 8 messages]",
        "-- Nora removed Paula --",
        "24 messages in 3",
        "temperature 37.9 °C.\n                                         [edited]",
        "[deleted]",
        "signed receipts: purged on the devices of Dr. Lee, Mr. Adler",
        "now please. [acknowledged by Nora]",
        "every call answers `locked`",
        "Thank you. [BP] [128]/92",
        "Nora is told that 1 would be lost, and stays signed in",
        "Ida finds no conversation; profiles on the phone: 2",
        "Nora's decrypted store holds 16 of 16 texts and none of the 1 deleted",
        "Nora's phone has files and keys of 1 profile(s), and 2 people have used it",
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

/// What each of the new steps claims can be wrong, and then it is told.
#[tokio::test(flavor = "multi_thread")]
async fn expectations_of_later_words_and_of_phones_can_fail_too() {
    let steps = "  - create: { conversation: ward, by: Ana, with: [Ben] }\n  \
                 - send: { who: Ana, where: ward, priority: urgent, text: potassium is high }\n  \
                 - expect: { who: Ana, message: potassium is high, acknowledged_by: [Ben] }\n  \
                 - search: { who: Ben, words: potass, finds: [] }\n  \
                 - edit: { who: Ana, message: potassium is high, text: sodium is high }\n  \
                 - search: { who: Ben, words: potass, finds: [sodium is high] }\n  - offline: Ana\n  \
                 - send: { who: Ana, where: ward, text: unsent so far }\n  - sign_out: { who: Ana, unsent: 2 }\n";
    let (verdict, written) = played(&script(steps)).await;
    assert_eq!(
        verdict.failures,
        [
            "line 9: Ana sees it acknowledged by Ben: \"potassium is high\"",
            "line 10: \"potass\" finds nothing, as it should, on Ben's device - but it finds 1",
            "line 12: \"potass\" finds the 1 message that it should on Ben's device - but it finds 0",
            "line 15: Ana is told that 1 would be lost, and stays signed in - 2 were expected",
        ],
        "{written}"
    );
}

/// Two people who share a phone and a conversation; the one who signs out for good is taken out by the next sender.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_goes_from_hand_to_hand_and_a_member_signs_out() {
    let steps = "  - hand_over: { from: Ana, to: Cleo }\n  \
                 - create: { conversation: ward, by: Cleo, with: [Ana, Ben] }\n  \
                 - send: { who: Ben, where: ward, text: for both nurses }\n  - hand_over: { from: Cleo, to: Ana }\n  \
                 - expect: { who: Ana, reads: for both nurses }\n  \
                 - send: { who: Ana, where: ward, text: the early shift says }\n  - lock: Ana\n  - unlock: Ana\n  \
                 - hand_over: { from: Ana, to: Cleo }\n  - expect: { who: Cleo, reads: the early shift says }\n  \
                 - sign_out: { who: Cleo }\n  - send: { who: Ben, where: ward, text: the two of us now }\n  \
                 - hand_over: { from: Cleo, to: Ana }\n  - expect: { who: Ana, reads: the two of us now }\n  \
                 - expect: { who: Ben, message: the two of us now, is: delivered 1/1 }\n  \
                 - delete: { who: Ben, message: for both nurses }\n";
    let yaml = script(steps).replace("subject: cleo }", "subject: cleo, phone_of: Ana }");
    let (verdict, written) = played(&yaml).await;
    assert!(verdict.holds(), "{written}");
    assert!(
        written.contains("signed receipts: purged on the devices of Ana"),
        "{written}"
    );
    assert!(written.contains("Of Cleo\n-------\n  signed out"), "{written}");
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
