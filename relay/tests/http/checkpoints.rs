//! Group states that are stored every few commits, over relays that stop in between.

use curo_mls::CommitPlan;

use crate::device::{Device, pair};
use crate::world::World;

#[tokio::test]
async fn p9_2_a_group_goes_on_from_any_number_of_commits_after_a_checkpoint() {
    let mut world = World::start_with(|config| config.limits.commits_per_checkpoint = 4).await;
    let (mut anna, mut ben, talk, mut cursor) = pair(&world).await;
    let mut cleo = Device::new(&world, "cleo").await;
    cleo.upload(&world, 1).await.unwrap();
    for n in 0..10 {
        // What was in memory is gone.
        world.restart().await;
        let plan = match n {
            5 => CommitPlan {
                add: vec![anna.key_package_of(&world, cleo.user()).await],
                remove: Vec::new(),
            },
            _ => CommitPlan::default(),
        };
        let version = anna.version(&world).await;
        let author = if n % 2 == 0 { &mut ben } else { &mut anna };
        let made = author.make_commit(talk, plan, version, Some(cursor));
        let accepted = author.commit(&world, talk, made.bundle.clone()).await.unwrap();
        author.apply_own(talk);
        cursor = curo_types::format::CursorClaim {
            seq: accepted.seq,
            h: accepted.h,
        };
        let reader = if n % 2 == 0 { &mut anna } else { &mut ben };
        reader.process(talk, made.bundle.commit.as_slice());
        // What breaks a rule is refused from a state that was made again, too.
        let bent = made.bundle.clone();
        let again = reader.commit(&world, talk, bent).await.unwrap_err();
        assert_eq!(again.code, curo_types::ErrorCode::EPOCH_TAKEN);
    }
    cleo.join(&world).await;
    let text = anna.encrypt(talk, curo_types::IntentId::random(), 1, "all here");
    anna.send(&world, talk, vec![text.clone()]).await.unwrap();
    for reader in [&mut ben, &mut cleo] {
        // Cleo joined in the middle: she follows the rest first.
        let path = format!("/v1/conversations/{}/entries?incarnation=1&after=0", talk.id);
        let page: curo_types::api::EntriesPage = reader.get(&world, &path).await.unwrap();
        assert_eq!(page.entries.last().unwrap().body, text);
    }
    assert_eq!(ben.read(talk, text.as_slice()), "all here");
}
