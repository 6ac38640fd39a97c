//! Content: padding, authenticated data, order, and what a rolled back sender does.

use curo_mls::{CommitPlan, FramingKind, MlsEngine, MlsError, Processed, inspect};

use crate::failing::Measures;
use crate::support::{Conversation, GROUP, removing};

#[test]
fn a_message_brings_its_sender_aad_and_text() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let bytes = conversation.devices[1].encrypt(b"patient is stable");
    let framing = inspect(&bytes).unwrap();
    assert_eq!(
        (framing.group_id.as_slice(), framing.epoch, framing.kind),
        (GROUP, 1, FramingKind::Message)
    );
    assert_eq!((framing.aad.as_slice(), framing.commit), (&b"message aad"[..], None));
    let ben = conversation.relay.members().unwrap().remove(1);
    let processed = conversation.devices[0].process(&bytes).unwrap();
    assert!(!format!("{processed:?}").contains("stable"));
    assert_eq!(
        processed,
        Processed::Message {
            sender: ben,
            aad: b"message aad".to_vec(),
            plaintext: b"patient is stable".to_vec(),
            epoch: 1,
        }
    );
}

#[test]
fn p2_8_padding_hides_the_length() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let mut size = |length: usize| conversation.devices[0].encrypt(&vec![b'x'; length]).len();
    let short = size(0);
    for length in [1, 2, 3, 50, 100, 120] {
        assert_eq!(size(length), short, "{length}");
    }
    // The next block begins 256 bytes later, and so on.
    let sizes: std::collections::BTreeSet<usize> = (0..2_000).step_by(37).map(&mut size).collect();
    let sizes: Vec<usize> = sizes.into_iter().collect();
    assert_eq!(sizes[0], short);
    // Length prefixes of MLS vectors may grow by two bytes on the way.
    assert!(
        sizes.windows(2).all(|pair| (256..=258).contains(&(pair[1] - pair[0]))),
        "{sizes:?}"
    );
    assert!(sizes.len() <= 2_000 / 256 + 2);
}

#[test]
fn trap_aad_is_set_for_each_message_and_never_leaks_into_the_next() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let anna = &mut conversation.devices[0];
    let aad = |anna: &mut crate::support::Device, aad: &[u8]| {
        let bytes = anna.engine.encrypt(&anna.store, GROUP, aad, b"text").unwrap();
        assert_eq!(inspect(&bytes).unwrap().aad, aad);
    };
    aad(anna, b"one");
    aad(anna, b"");
    aad(anna, b"two");
    // A commit that fails after its data was set.
    assert!(
        anna.engine
            .prepare_commit(&anna.store, GROUP, &removing(&[7]), b"failed")
            .is_err()
    );
    aad(anna, b"");
    let prepared = anna
        .engine
        .prepare_commit(&anna.store, GROUP, &CommitPlan::default(), b"")
        .unwrap();
    assert_eq!(inspect(&prepared.commit).unwrap().aad, b"");
}

#[test]
fn a_changed_aad_or_text_is_not_accepted() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let bytes = conversation.devices[0].encrypt(b"ten milligrams");
    let at = bytes.windows(11).position(|window| window == b"message aad").unwrap();
    for index in [at, bytes.len() - 1] {
        let mut forged = bytes.clone();
        forged[index] ^= 1;
        let error = conversation.devices[1].process(&forged).unwrap_err();
        assert!(matches!(error, MlsError::Undecryptable), "{error:?}");
    }
    // A forgery costs no key: the true message is still read.
    assert_eq!(conversation.devices[1].read(&bytes), b"ten milligrams");
    assert!(matches!(
        conversation.devices[1].process(&bytes),
        Err(MlsError::SecretReuse)
    ));
}

#[test]
fn messages_that_were_never_sent_leave_gaps_that_are_bridged() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let early = conversation.devices[0].encrypt(b"early");
    for _ in 0..400 {
        conversation.devices[0].encrypt(b"discarded");
    }
    let late = conversation.devices[0].encrypt(b"late");
    assert_eq!(conversation.devices[1].read(&late), b"late");
    assert_eq!(conversation.devices[1].read(&early), b"early");
    for _ in 0..5_001 {
        conversation.devices[0].encrypt(b"x");
    }
    let too_late = conversation.devices[0].encrypt(b"too late");
    assert!(matches!(
        conversation.devices[1].process(&too_late),
        Err(MlsError::GenerationOutOfReach)
    ));
}

#[test]
fn trap_a_rolled_back_sender_reuses_generations() {
    let mut conversation = Conversation::of(&["anna", "ben"]);
    let backup = conversation.devices[0].store.snapshot();
    let before = conversation.devices[0].encrypt(b"before the backup was restored");
    conversation.devices[0].store = backup;
    conversation.devices[0].restart();
    let after = conversation.devices[0].encrypt(b"after");
    assert_eq!(conversation.devices[1].read(&before), b"before the backup was restored");
    let error = conversation.devices[1].process(&after).unwrap_err();
    assert!(matches!(error, MlsError::SecretReuse), "{error:?}");
    assert!(!error.retryable());
}

#[test]
fn trap_past_epochs_are_not_kept() {
    let mut conversation = Conversation::of(&["anna", "ben", "cleo"]);
    let late = conversation.devices[0].encrypt(b"late");
    conversation.commit(1, &CommitPlan::default());
    let error = conversation.devices[2].process(&late).unwrap_err();
    assert!(
        matches!(error, MlsError::WrongEpoch { expected: 2, found: 1 }),
        "{error:?}"
    );
    // Nothing of past epochs piles up: neither rows, nor secrets and member lists in the row of every message.
    let weigh = |conversation: &mut Conversation| {
        let ben = &mut conversation.devices[1];
        let measured = Measures::new(&ben.store);
        ben.engine.encrypt(&measured, GROUP, b"", b"text").unwrap();
        (ben.store.len(), measured.last("message_secrets"))
    };
    let before = weigh(&mut conversation);
    for round in 0..6 {
        conversation.commit(round % 3, &CommitPlan::default());
    }
    let after = weigh(&mut conversation);
    assert_eq!(after.0, before.0);
    assert!(after.1 < before.1 + before.1 / 4, "{before:?} {after:?}");
}

#[test]
fn trap_a_removed_members_ciphertext_is_refused() {
    let mut conversation = Conversation::of(&["anna", "ben", "cleo"]);
    let parting = conversation.devices[2].encrypt(b"parting words");
    conversation.commit(0, &removing(&[2]));
    let error = conversation.devices[1].process(&parting).unwrap_err();
    assert!(
        matches!(error, MlsError::WrongEpoch { expected: 2, found: 1 }),
        "{error:?}"
    );
}
