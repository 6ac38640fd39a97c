//! Bytes that are cut short, changed or of the wrong kind get an error, and nothing panics.

use curo_mls::{CommitPlan, Follower, MlsEngine, MlsError, inspect, key_package_info, welcome_recipients};

use crate::support::{Conversation, Device, adding};

/// One of everything that comes from outside.
struct Samples {
    conversation: Conversation,
    joiner: Device,
    all: Vec<(&'static str, Vec<u8>)>,
    tree: Vec<u8>,
}

fn samples() -> Samples {
    let mut conversation = Conversation::of(&["anna", "ben", "cleo"]);
    let mut joiner = Device::new("dan");
    let key_package = joiner.key_package();
    let message = conversation.devices[0].encrypt(b"text");
    let plan = CommitPlan {
        add: vec![key_package.clone()],
        remove: vec![2],
    };
    let prepared = conversation.devices[0].prepare(&plan).unwrap();
    let mut relay = Follower::load(&conversation.relay.save().unwrap()).unwrap();
    let staged = relay.stage(&prepared.commit).unwrap();
    relay.accept(staged, &prepared.group_info).unwrap();
    let tree = relay.tree().unwrap();
    let all = vec![
        ("message", message),
        ("commit", prepared.commit),
        ("welcome", prepared.welcome.unwrap()),
        ("group info", prepared.group_info),
        ("key package", key_package),
        ("tree", tree.clone()),
    ];
    Samples {
        conversation,
        joiner,
        all,
        tree,
    }
}

/// Gives `bytes` to everything that takes bytes. Returns who took it.
fn feed(samples: &mut Samples, bytes: &[u8]) -> Vec<&'static str> {
    let Samples {
        conversation,
        joiner,
        tree,
        ..
    } = samples;
    let ben = &mut conversation.devices[1];
    let mut takers = Vec::new();
    let mut note = |name, taken: bool| {
        if taken {
            takers.push(name);
        }
    };
    note("inspect", inspect(bytes).is_ok());
    note("key package", key_package_info(bytes).is_ok());
    note("welcome recipients", welcome_recipients(bytes).is_ok());
    note("stage", conversation.relay.stage(bytes).is_ok());
    note(
        "follower",
        Follower::create(bytes, tree).is_ok() || Follower::load(bytes).is_ok(),
    );
    ben.store.begin();
    note("process", ben.process(bytes).is_ok());
    ben.rollback();
    ben.store.begin();
    note("plan", ben.prepare(&adding(vec![bytes.to_vec()])).is_ok());
    ben.rollback();
    joiner.store.begin();
    note("join", joiner.join(bytes, tree).is_ok());
    joiner.rollback();
    takers
}

#[test]
fn everything_is_taken_by_whom_it_is_for_and_by_nobody_else() {
    let mut samples = samples();
    for (name, bytes) in samples.all.clone() {
        let expected: &[&str] = match name {
            "message" => &["inspect", "process"],
            "commit" => &["inspect", "stage", "process"],
            "welcome" => &["welcome recipients", "join"],
            "key package" => &["key package", "plan"],
            _ => &[],
        };
        assert_eq!(feed(&mut samples, &bytes), expected, "{name}");
    }
}

#[test]
fn everything_cut_short_or_with_a_tail_is_refused() {
    let mut samples = samples();
    for (name, bytes) in samples.all.clone() {
        let step = (bytes.len() / 60).max(1);
        for cut in (0..bytes.len()).step_by(step) {
            assert!(feed(&mut samples, &bytes[..cut]).is_empty(), "{name} cut to {cut}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(feed(&mut samples, &longer).is_empty(), "{name} with a tail");
    }
}

#[test]
fn nothing_changed_is_processed_joined_or_staged() {
    let mut samples = samples();
    for (name, bytes) in samples.all.clone() {
        let step = (bytes.len() / 60).max(1);
        for index in (0..bytes.len()).step_by(step) {
            for flip in [0x01, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[index] ^= flip;
                let takers = feed(&mut samples, &changed);
                assert!(
                    !takers.contains(&"process") && !takers.contains(&"join"),
                    "{name}, byte {index}: {takers:?}"
                );
                assert!(
                    !takers.contains(&"key package") && !takers.contains(&"plan"),
                    "{name}, byte {index}"
                );
            }
        }
    }
}

#[test]
fn a_changed_tree_is_refused() {
    let mut samples = samples();
    let welcome = samples
        .all
        .iter()
        .find(|(name, _)| *name == "welcome")
        .unwrap()
        .1
        .clone();
    let tree = samples.tree.clone();
    let joiner = &mut samples.joiner;
    for index in (0..tree.len()).step_by(7) {
        let mut changed = tree.clone();
        changed[index] ^= 1;
        joiner.store.begin();
        assert!(joiner.join(&welcome, &changed).is_err(), "byte {index}");
        joiner.rollback();
    }
    joiner.join(&welcome, &tree).unwrap();
}

#[test]
fn errors_never_show_what_they_were_given() {
    let mut samples = samples();
    let marker = b"Jane Roe has diabetes";
    let text = samples.conversation.devices[0].encrypt(marker);
    let processed = samples.conversation.devices[1].process(&text).unwrap();
    let shown = format!("{processed:?}");
    assert!(!shown.contains("Jane") && !shown.contains("74, 97"), "{shown}");
    let ben = &mut samples.conversation.devices[1];
    let again = ben.process(&text).unwrap_err();
    assert!(matches!(again, MlsError::SecretReuse));
    let refused = ben
        .engine
        .process(&ben.store, crate::support::GROUP, &samples.all[1].1, &mut |_| {
            Err(curo_mls::Refusal::new(String::from_utf8(marker.to_vec()).unwrap()))
        });
    let shown = format!("{refused:?} {}", refused.as_ref().unwrap_err());
    assert!(!shown.contains("Jane"), "{shown}");
}
