//! What MLS reads, at the relay and at a member: with the kept group's state behind it, so that what is genuine gets through.

use std::cell::RefCell;

use curo_mls::{
    Follower, FramingKind, MlsEngine as _, MlsError, Processed, Signer, Suite, inspect as inspect_message,
    key_package_info, welcome_recipients,
};
use curo_types::api::limits;

use crate::Material;
use crate::group::{Member, follower};
use crate::pieces::two;

/// What a message says of itself, read without any state. Nothing in it is longer than the message.
pub(crate) fn inspect(bytes: &[u8]) -> bool {
    let Ok(framing) = inspect_message(bytes) else {
        return false;
    };
    assert!(framing.group_id.len() + framing.aad.len() <= bytes.len());
    assert_eq!(framing.commit.is_some(), framing.kind == FramingKind::Commit);
    if let Some(commit) = framing.commit {
        let named: usize = commit
            .adds
            .iter()
            .map(|add| add.identity.len() + add.signature_key.len())
            .sum();
        assert!(named <= bytes.len() && commit.removes.len() * 4 <= bytes.len());
        assert!(
            commit.sender_index.is_some() || commit.adds.is_empty(),
            "an external commit adds nobody"
        );
    }
    true
}

pub(crate) fn key_package(bytes: &[u8]) -> bool {
    let Ok(info) = key_package_info(bytes) else {
        return false;
    };
    // The relay has judged it: a member who adds it comes to the same result.
    let mut member = Member::reader();
    let plan = curo_mls::CommitPlan {
        add: vec![bytes.to_vec()],
        remove: Vec::new(),
    };
    let made = member
        .engine
        .prepare_commit(&member.store, Material::kept().group.as_slice(), &plan, b"");
    match made {
        Ok(made) => assert_eq!(made.added.first().map(|leaf| &leaf.identity), Some(&info.identity)),
        Err(MlsError::WrongSuite { .. } | MlsError::DuplicateKey | MlsError::Invalid(_)) => {}
        Err(other) => panic!("{other:?} for a KeyPackage that the relay takes"),
    }
    true
}

/// A Welcome, for the outsider who has a KeyPackage.
pub(crate) fn welcome(bytes: &[u8]) -> bool {
    let recipients = welcome_recipients(bytes);
    let mut outsider = Member::outsider();
    let tree = Material::kept().welcome_tree.as_slice();
    let joined = outsider.engine.join(&outsider.store, bytes, tree, &mut |_| Ok(()));
    assert!(
        joined.is_err() || recipients.is_ok(),
        "the relay reads what a member joins by"
    );
    joined.is_ok()
}

/// A GroupInfo and a tree, of a new group (the length of the first in two bytes, then both).
pub(crate) fn group_info(bytes: &[u8]) -> bool {
    let Some((group_info, tree)) = two(bytes) else {
        return false;
    };
    let Ok(follower) = Follower::create(group_info, tree) else {
        return false;
    };
    assert_eq!(follower.epoch(), 0);
    assert_eq!(follower.members().expect("members").len(), 1);
    assert_eq!(follower.tree().expect("a tree"), tree);
    reloads(&follower);
    true
}

/// As above, of a group that the outsider comes into by an external commit.
pub(crate) fn external_join(bytes: &[u8]) -> bool {
    let Some((group_info, tree)) = two(bytes) else {
        return false;
    };
    let mut outsider = Member::outsider();
    let (public_key, identity) = &Material::kept().outsider_key;
    let signer = Signer {
        suite: Suite::X25519_AES128GCM_SHA256_ED25519,
        identity: identity.0.clone(),
        public_key: public_key.0.clone(),
    };
    let rows = outsider.store.len();
    let made =
        outsider
            .engine
            .prepare_external_commit(&outsider.store, &signer, group_info, tree, b"", &mut |_| Ok(()));
    assert_eq!(outsider.store.len(), rows, "nothing is written before it is accepted");
    let Ok(made) = made else { return false };
    assert_eq!(inspect_message(&made.commit).expect("our own commit").epoch, made.epoch);
    outsider
        .engine
        .apply_external_commit(&outsider.store, &made.state)
        .expect("what was made can be applied");
    true
}

/// A follower as the relay keeps it.
pub(crate) fn follower_blob(bytes: &[u8]) -> bool {
    let Ok(follower) = Follower::load(bytes) else {
        return false;
    };
    reloads(&follower);
    true
}

fn reloads(follower: &Follower) {
    let saved = follower.save().expect("what was loaded can be saved");
    let again = Follower::load(&saved).expect("what was saved can be loaded");
    assert_eq!(again.save().expect("saved"), saved);
    assert_eq!((again.epoch(), again.suite()), (follower.epoch(), follower.suite()));
}

/// The state behind an external commit as the outbox keeps it. A refusal that is rolled back has changed nothing.
pub(crate) fn overlay_blob(bytes: &[u8]) -> bool {
    let mut outsider = Member::outsider();
    let rows = outsider.store.len();
    outsider.store.begin();
    let applied = outsider.engine.apply_external_commit(&outsider.store, bytes);
    outsider.store.rollback();
    outsider.engine.forget_all();
    assert_eq!(outsider.store.len(), rows);
    applied.is_ok_and(|joined| !joined.members.is_empty())
}

/// A message or a commit in the group, at a member and at the relay.
pub(crate) fn process(bytes: &[u8]) -> bool {
    thread_local! {
        static STANDING: RefCell<(Member, Follower)> = RefCell::new((Member::reader(), follower()));
    }
    let group = Material::kept().group.as_slice();
    STANDING.with_borrow_mut(|(member, relay)| {
        member.store.begin();
        let before = member.engine.epoch(&member.store, group).expect("the group");
        let processed = member.engine.process(&member.store, group, bytes, &mut |_| Ok(()));
        let staged = relay.stage(bytes);
        match &processed {
            Ok(Processed::Commit(outcome)) => {
                let staged = staged.expect("what a member takes, the relay takes");
                assert_eq!(outcome.epoch, before + 1);
                assert_eq!((&staged.added, &staged.removed), (&outcome.added, &outcome.removed));
                assert_eq!((&staged.sender, &staged.aad), (&outcome.sender, &outcome.aad));
            }
            Ok(Processed::Message { epoch, aad, .. }) => {
                let framing = inspect_message(bytes).expect("what a member takes, the relay reads");
                assert_eq!((framing.kind, framing.epoch), (FramingKind::Message, *epoch));
                assert_eq!(&framing.aad, aad);
                assert!(bytes.len() <= limits::MESSAGE_BYTES || aad.len() > 1024);
            }
            Err(error) => assert!(!error.retryable(), "the same bytes for ever: {error:?}"),
        }
        member.store.rollback();
        member.engine.forget_all();
        assert_eq!(member.engine.epoch(&member.store, group).expect("the group"), before);
        processed.is_ok()
    })
}

/// A row of a member's database, damaged: the number of the row in one byte, then its value. The group is used, or refused as
/// damaged; nothing else of the member is lost.
pub(crate) fn rows(bytes: &[u8]) -> bool {
    use curo_mls::{MlsStore as _, TABLES};
    let Some((number, value)) = bytes.split_first() else {
        return false;
    };
    let rows = &Material::kept().reader;
    let Some(crate::Row { row: (table, key, _) }) = rows.get(usize::from(*number) % rows.len()) else {
        return false;
    };
    let mut member = Member::reader();
    let table = TABLES.iter().find(|known| *known == table).expect("a table");
    member.store.put(table, key.as_slice(), value).expect("in memory");
    let group = Material::kept().group.as_slice();
    let epoch = member.engine.epoch(&member.store, group);
    if epoch.is_err() {
        member.engine.forget_all();
    }
    let sent = member.engine.encrypt(&member.store, group, b"", b"text");
    epoch.is_ok() && sent.is_ok()
}
