//! The directory's word on the leaves of a commit (rule 3.6).

use curo_relay::storage::{DeviceRef, DirectoryChange, DirectoryOutcome, NewCommit, Refusal};
use curo_types::UserId;
use curo_types::format::Action;

use crate::commits::members;
use crate::world::{SUITE, World, accepted, key_of, refused};

async fn rotate(w: &World, device: DeviceRef, key: &[u8]) {
    let state = w.storage.devices(&w.tenant, device.user).await.unwrap().remove(0);
    let rotation = DirectoryChange {
        action: Action::Rotate,
        keys: vec![(SUITE, key.to_vec())],
        previous: Some(state.envelope_hash),
        envelope: [b"rotate", key].concat(),
        ..World::addition(device)
    };
    assert!(matches!(w.change(vec![rotation]).await, DirectoryOutcome::Accepted(_)));
}

pub async fn p3_6_a_device_that_changed_after_the_version_is_refused(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    let mut conversation = w.create(a, &[]).await;
    let judged_by = w.version().await;
    rotate(w, b, b"b's new key").await;
    // A change of somebody else does not matter.
    w.win(&mut conversation, a, &[c], &[]).await;
    let commit = World::commit(&conversation, a, judged_by, &[b], &[]);
    assert_eq!(refused(w.accept(a, commit.clone()).await), Refusal::DirectoryChanged);
    // Even with the right key, the committer has to look first; and looking is enough.
    let mut lucky = commit;
    lucky.added[0].public_key = b"b's new key".to_vec();
    assert_eq!(refused(w.accept(a, lucky.clone()).await), Refusal::DirectoryChanged);
    lucky.directory_version = w.version().await;
    accepted(w.accept(a, lucky).await);
    conversation.epoch += 1;

    // The same for the committer's own leaf, and for a revocation.
    let judged_by = w.version().await;
    rotate(w, a, b"a's new key").await;
    let commit = World::commit(&conversation, a, judged_by, &[], &[]);
    assert_eq!(refused(w.accept(a, commit).await), Refusal::DirectoryChanged);
    let d = w.device().await;
    let judged_by = w.version().await;
    w.revoke(d).await;
    let commit = World::commit(&conversation, c, judged_by, &[d], &[]);
    assert_eq!(refused(w.accept(c, commit).await), Refusal::DirectoryChanged);
    let commit = World::commit(&conversation, c, w.version().await, &[d], &[]);
    assert_eq!(refused(w.accept(c, commit).await), Refusal::Rule("leaf_revoked_device"));
}

pub async fn p3_6_leaves_bear_the_directorys_key(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let conversation = w.create(a, &[]).await;
    let with = async |change: fn(&mut NewCommit, DeviceRef)| {
        let mut commit = World::commit(&conversation, a, 2, &[b], &[]);
        change(&mut commit, b);
        refused(w.accept(a, commit).await)
    };
    assert_eq!(
        with(|c, _| c.added[0].public_key = b"other".to_vec()).await,
        Refusal::Rule("leaf_key")
    );
    assert_eq!(
        with(|c, _| c.updated.public_key = b"other".to_vec()).await,
        Refusal::Rule("leaf_key")
    );
    assert_eq!(
        with(|c, b| c.updated.public_key = key_of(b.device)).await,
        Refusal::Rule("leaf_key")
    );
    assert_eq!(with(|c, b| c.updated.device = b).await, Refusal::Rule("sender_leaf"));
    let unknown = Refusal::Rule("leaf_unknown_device");
    assert_eq!(with(|c, _| c.added[0].device.user = UserId([0; 16])).await, unknown);
    assert_eq!(with(|c, _| c.added[0].device.device.0 = [0; 16]).await, unknown);
    assert_eq!(
        with(|c, _| c.directory_version = 3).await,
        Refusal::Rule("directory_version")
    );
    assert_eq!(members(w, &conversation).await, [a]);
}

pub async fn p3_6_the_current_version_is_stamped(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let mut conversation = w.create(a, &[]).await;
    w.device().await;
    let commit = World::commit(&conversation, a, 2, &[b], &[]);
    let entry = accepted(w.accept(a, commit).await);
    conversation.epoch += 1;
    assert_eq!(entry.accepted.directory_version, Some(3));
    assert_eq!(w.entries(a, &conversation, 1).await[0].directory_version, Some(3));
}
