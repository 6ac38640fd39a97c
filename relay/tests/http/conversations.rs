//! Creating conversations and committing to them: rules 3.1, 3.4, 3.6 and 3.7.

use curo_mls::CommitPlan;
use curo_types::api::{CommitBundle, EntriesPage, InboxItem, Winner};
use curo_types::format::{CursorClaim, EntryKind};
use curo_types::{Blob, ConversationId, Digest, ErrorCode};

use crate::device::{Device, MadeCommit, Talk, pair};
use crate::world::{World, other_tenant};

#[tokio::test]
async fn p3_7_two_people_meet_and_talk_and_the_log_proves_itself() {
    let world = World::start().await;
    let (mut anna, mut ben, talk, cursor) = pair(&world).await;
    let intent = curo_types::IntentId::random();
    let sent = anna.encrypt(talk, intent, 1, "BP 118/76");
    let accepted = anna.send(&world, talk, vec![sent]).await.unwrap();
    assert_eq!((accepted.accepted[0].seq, accepted.accepted[0].intent), (2, intent));
    let log_key = anna.session.log_key.log_key;
    accepted.tip.verify(&log_key).unwrap();
    assert_eq!((accepted.tip.seq, accepted.tip.h), (2, accepted.accepted[0].h));

    let news = ben.sync(&world, None, 1).await.unwrap();
    let [conversation] = news.conversations.as_slice() else {
        panic!("{news:?}")
    };
    conversation.tip.verify(&log_key).unwrap();
    let [entry] = conversation.entries.as_slice() else {
        panic!("{news:?}")
    };
    assert_eq!((entry.kind, entry.sender, entry.seq), (EntryKind::Message, anna.id, 2));
    assert_eq!(
        entry.expected_hash(&anna.tenant, talk.id, cursor.h),
        entry.h,
        "2.5: the chain holds"
    );
    assert_eq!(ben.read(talk, &entry.body.0), "BP 118/76");

    // The creator sees its own first commit, and the whole chain from the start.
    let path = format!("/v1/conversations/{}/entries?incarnation=1&after=0", talk.id);
    let page: EntriesPage = anna.get(&world, &path).await.unwrap();
    let mut h = Digest::ZERO;
    for entry in &page.entries {
        assert_eq!(entry.expected_hash(&anna.tenant, talk.id, h), entry.h);
        h = entry.h;
    }
    assert_eq!(page.entries.len(), 2);
    page.tip.verify(&log_key).unwrap();
}

#[tokio::test]
async fn p3_7_the_loser_of_a_creation_race_is_told_and_a_repetition_is_not() {
    let world = World::start().await;
    let (mut anna, mut ben) = (Device::new(&world, "anna").await, Device::new(&world, "ben").await);
    anna.upload(&world, 3).await.unwrap();
    ben.upload(&world, 3).await.unwrap();
    let id = ConversationId::direct(&anna.tenant, anna.user(), ben.user());
    let (bens, annas) = (
        anna.key_package_of(&world, ben.user()).await,
        ben.key_package_of(&world, anna.user()).await,
    );
    let version = anna.version(&world).await;
    let (_, mut first) = anna.make(vec![bens], version);
    let (_, mut second) = ben.make(vec![annas], version);
    first.conversation = id;
    second.conversation = id;
    let accepted = anna.create(&world, &first).await.unwrap();
    assert!(!accepted.duplicate);
    let again = anna.create(&world, &first).await.unwrap();
    assert!(again.duplicate);
    assert_eq!(
        (again.seq, again.h, again.time_ms),
        (accepted.seq, accepted.h, accepted.time_ms)
    );
    assert_eq!(
        ben.create(&world, &second).await.unwrap_err().code,
        ErrorCode::INCARNATION_CHANGED
    );
    let news = ben.sync(&world, None, 0).await.unwrap();
    assert!(matches!(&news.inbox[0].item, InboxItem::Welcome { conversation, .. } if *conversation == id));
}

#[tokio::test]
async fn p3_7_a_creation_that_breaks_a_rule_is_refused() {
    let world = World::start().await;
    let mut anna = Device::new(&world, "anna").await;
    let mut ben = Device::new(&world, "ben").await;
    ben.upload(&world, 5).await.unwrap();
    let key_package = anna.key_package_of(&world, ben.user()).await;
    let version = anna.version(&world).await;
    let (_, good) = anna.make(vec![key_package], version);
    let mut cases = Vec::new();
    let mut case = |name: &'static str, change: &dyn Fn(&mut curo_types::api::CreateConversation)| {
        let mut bad = good.clone();
        change(&mut bad);
        cases.push((name, bad));
    };
    case("another group", &|bad| bad.group = curo_types::GroupId::random());
    case("another suite", &|bad| bad.suite = curo_types::SuiteId(2));
    case("no Welcome", &|bad| bad.first_commit.welcome = None);
    case("GroupInfo of epoch 0 after the commit", &|bad| {
        bad.first_commit.group_info = bad.group_info.clone()
    });
    case("GroupInfo of epoch 1 before it", &|bad| {
        bad.group_info = bad.first_commit.group_info.clone()
    });
    case("garbage", &|bad| bad.group_info = Blob(vec![1, 2, 3]));
    case("garbage commit", &|bad| bad.first_commit.commit = Blob(vec![0; 100]));
    case("empty tree", &|bad| bad.tree = Blob(vec![]));
    case("a flipped bit", &|bad| flip_middle(&mut bad.first_commit.commit));
    case("incarnation 0", &|bad| bad.incarnation = 0);
    case("a later incarnation of nothing", &|bad| bad.incarnation = 2);
    for (name, bad) in cases {
        let problem = anna.create(&world, &bad).await.unwrap_err();
        let expected = [
            ErrorCode::REFUSED,
            ErrorCode::MALFORMED,
            ErrorCode::INCARNATION_CHANGED,
            ErrorCode::NOT_A_MEMBER,
        ];
        assert!(expected.contains(&problem.code), "{name}: {problem:?}");
    }
    let stolen = ben.create(&world, &good).await.unwrap_err();
    assert_eq!(
        stolen.code,
        ErrorCode::REFUSED,
        "the group is anna's, the caller is ben"
    );
    assert!(anna.create(&world, &good).await.is_ok(), "nothing of it was kept");
}

/// Not at the end: there is the membership tag, a MAC with a key that only members have (3.9 is for those who abuse it).
fn flip_middle(blob: &mut Blob) {
    let middle = blob.0.len() / 2;
    blob.0[middle] ^= 1;
}

/// A commit by each of both in the same epoch.
async fn rivals(world: &World) -> (Device, Device, Talk, CursorClaim, MadeCommit, MadeCommit) {
    let (mut anna, mut ben, talk, cursor) = pair(world).await;
    let version = anna.version(world).await;
    let one = anna.make_commit(talk, CommitPlan::default(), version, Some(cursor));
    let two = ben.make_commit(talk, CommitPlan::default(), version, Some(cursor));
    (anna, ben, talk, cursor, one, two)
}

#[tokio::test]
async fn p3_4_one_commit_wins_an_epoch_and_the_loser_learns_by_whom() {
    let world = World::start().await;
    let (mut anna, mut ben, talk, cursor, one, two) = rivals(&world).await;
    let path = format!("/v1/conversations/{}/winner?incarnation=1&epoch=1", talk.id);
    assert_eq!(
        ben.get::<Winner>(&world, &path).await.unwrap_err().code,
        ErrorCode::NOT_FOUND,
        "4.2: no verdict yet"
    );
    let won = anna.commit(&world, talk, one.bundle.clone()).await.unwrap();
    assert_eq!(won.seq, 2);
    assert!(won.directory_version.is_some(), "3.6: stamped");

    let lost = ben.commit(&world, talk, two.bundle).await.unwrap_err();
    assert_eq!(lost.code, ErrorCode::EPOCH_TAKEN);
    let winner = lost.winner.unwrap();
    assert_eq!(
        (winner.sender, winner.intent, winner.epoch, winner.seq),
        (anna.id, one.intent, 1, 2)
    );
    assert_eq!(winner.body_hash, Digest::of(&one.bundle.commit.0));
    assert_eq!(ben.get::<Winner>(&world, &path).await.unwrap(), winner);
    let [missing] = lost.missing.as_slice() else {
        panic!("{:?}", lost.missing)
    };
    assert_eq!(missing.expected_hash(&ben.tenant, talk.id, cursor.h), missing.h);
    lost.tip.unwrap().verify(&ben.session.log_key.log_key).unwrap();

    // The loser can go on with what the answer brought.
    ben.process(talk, &missing.body.0);
    anna.apply_own(talk);
    let message = ben.encrypt(talk, curo_types::IntentId::random(), 1, "in epoch 2");
    let accepted = ben.send(&world, talk, vec![message.clone()]).await.unwrap();
    assert_eq!(accepted.accepted[0].seq, 3);
    assert_eq!(anna.read(talk, &message.0), "in epoch 2");
}

#[tokio::test]
async fn p3_1_a_commit_again_is_a_duplicate_even_after_its_epoch() {
    let world = World::start().await;
    let (mut anna, mut ben, talk, _, one, two) = rivals(&world).await;
    let first = anna.commit(&world, talk, one.bundle.clone()).await.unwrap();
    anna.apply_own(talk);
    ben.process(talk, &one.bundle.commit.0);
    let version = ben.version(&world).await;
    let next = ben.make_commit(
        talk,
        CommitPlan {
            add: vec![],
            remove: vec![0],
        },
        version,
        None,
    );
    ben.commit(&world, talk, next.bundle).await.unwrap();
    let again = anna.commit(&world, talk, one.bundle.clone()).await.unwrap();
    assert!(
        again.duplicate,
        "the intent comes before membership: anna is removed by now"
    );
    assert_eq!((again.seq, again.h), (first.seq, first.h));
    drop(two);
}

#[tokio::test]
async fn p3_4_a_commit_that_breaks_a_rule_is_refused_before_it_wins() {
    let world = World::start().await;
    let (anna, ben, talk, _, one, two) = rivals(&world).await;
    let mut cases: Vec<(&str, CommitBundle)> = Vec::new();
    let mut case = |name, change: &dyn Fn(&mut CommitBundle)| {
        let mut bad = one.bundle.clone();
        change(&mut bad);
        cases.push((name, bad));
    };
    case("the other's GroupInfo", &|bad| {
        bad.group_info = two.bundle.group_info.clone()
    });
    case("a Welcome for nobody", &|bad| bad.welcome = Some(bad.commit.clone()));
    case("a flipped bit", &|bad| flip_middle(&mut bad.commit));
    case("a flipped bit in the GroupInfo", &|bad| {
        *bad.group_info.0.last_mut().unwrap() ^= 1
    });
    case("a tail", &|bad| bad.commit.0.push(0));
    case("no commit", &|bad| bad.commit = bad.group_info.clone());
    for (name, bad) in cases {
        let problem = anna.commit(&world, talk, bad).await.unwrap_err();
        assert!(
            [ErrorCode::REFUSED, ErrorCode::MALFORMED].contains(&problem.code),
            "{name}: {problem:?}"
        );
    }
    let stolen = ben.commit(&world, talk, one.bundle.clone()).await.unwrap_err();
    assert_eq!(stolen.code, ErrorCode::REFUSED, "the leaf is anna's, the caller is ben");
    assert_eq!(
        anna.commit(&world, talk, one.bundle).await.unwrap().seq,
        2,
        "the epoch was still free"
    );
}

#[tokio::test]
async fn p3_6_a_commit_is_judged_by_the_directory_of_its_acceptance() {
    let world = World::start().await;
    let (mut anna, ben, talk, cursor) = pair(&world).await;
    let mut carl = Device::new(&world, "carl").await;
    carl.upload(&world, 3).await.unwrap();
    let version = anna.version(&world).await;
    let key_package = anna.key_package_of(&world, carl.user()).await;
    // Ten more devices of the same person: the relay revokes the least recently used, which is the one to be added.
    for _ in 0..10 {
        world.clock.advance_ms(1000);
        carl.sibling(&world, "carl").await;
    }
    let plan = CommitPlan {
        add: vec![key_package],
        remove: vec![],
    };
    let commit = anna.make_commit(talk, plan, version, Some(cursor));
    let refused = anna.commit(&world, talk, commit.bundle).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::DIRECTORY_CHANGED);
    assert!(refused.code.retryable());

    // The same person's other devices are not concerned, nor are changes of people outside the commit.
    anna.engine
        .discard_own_commit(&anna.store, talk.group.as_bytes())
        .unwrap();
    let update = anna.make_commit(talk, CommitPlan::default(), version, Some(cursor));
    let stamped = anna
        .commit(&world, talk, update.bundle)
        .await
        .unwrap()
        .directory_version
        .unwrap();
    assert!(stamped > version, "stamped with the version of the acceptance");
    assert_eq!(stamped, ben.version(&world).await);
}

use curo_mls::MlsEngine as _;

#[tokio::test]
async fn p6_2_a_removed_device_is_served_up_to_its_removal_and_then_told() {
    let world = World::start().await;
    let (mut anna, mut ben, talk, _) = pair(&world).await;
    let version = anna.version(&world).await;
    let commit = anna.make_commit(
        talk,
        CommitPlan {
            add: vec![],
            remove: vec![1],
        },
        version,
        None,
    );
    anna.commit(&world, talk, commit.bundle).await.unwrap();
    anna.apply_own(talk);
    let after = anna.encrypt(talk, curo_types::IntentId::random(), 1, "without ben");
    anna.send(&world, talk, vec![after]).await.unwrap();

    let news = ben.sync(&world, None, 1).await.unwrap();
    let entries: Vec<_> = news.conversations.iter().flat_map(|c| &c.entries).collect();
    assert_eq!(
        entries.iter().map(|e| e.seq).collect::<Vec<_>>(),
        [2],
        "the removal is the last entry"
    );
    let removed = news.inbox.iter().any(
        |record| matches!(record.item, InboxItem::Removed { conversation, seq: 2, .. } if conversation == talk.id),
    );
    assert!(removed, "{:?}", news.inbox);
    ben.process(talk, &entries[0].body.0);

    let path = format!("/v1/conversations/{}/entries?incarnation=1&after=2", talk.id);
    assert_eq!(
        ben.get::<EntriesPage>(&world, &path).await.unwrap_err().code,
        ErrorCode::REMOVED
    );
    let (_, mut other, other_talk, _) = pair_of(&world, "dora", "emil").await;
    let message = other.encrypt(other_talk, curo_types::IntentId::random(), 1, "x");
    assert_eq!(
        ben.send(&world, talk, vec![message]).await.unwrap_err().code,
        ErrorCode::REMOVED
    );
}

async fn pair_of(world: &World, one: &str, two: &str) -> (Device, Device, Talk, CursorClaim) {
    let mut first = Device::new(world, one).await;
    let mut second = Device::new(world, two).await;
    second.upload(world, 2).await.unwrap();
    let talk = first.open(world, &[second.user()]).await;
    let (_, cursor) = second.join(world).await;
    (first, second, talk, cursor)
}

#[tokio::test]
async fn outsiders_and_other_tenants_see_nothing() {
    let world = World::start().await;
    let (_, _, talk, _) = pair(&world).await;
    let outsider = Device::new(&world, "mallory").await;
    let foreigner = Device::of(&world, &other_tenant(), "anna").await;
    let paths = [
        format!("/v1/conversations/{}/entries?incarnation=1&after=0", talk.id),
        format!("/v1/conversations/{}/winner?incarnation=1&epoch=0", talk.id),
        format!("/v1/conversations/{}/trees/{}", talk.id, "00".repeat(32)),
    ];
    for device in [&outsider, &foreigner] {
        for path in &paths {
            let real = device.get::<serde_json::Value>(&world, path).await.unwrap_err();
            let unreal = path.replace(&talk.id.to_string(), &ConversationId::random().to_string());
            let unreal = device.get::<serde_json::Value>(&world, &unreal).await.unwrap_err();
            assert_eq!(real.code, ErrorCode::NOT_A_MEMBER, "{path}");
            assert_eq!(real, unreal, "what exists and what does not look alike");
        }
        assert!(device.sync(&world, None, 0).await.unwrap().conversations.is_empty());
    }
}

#[tokio::test]
async fn p3_4_commits_follow_each_other_whatever_was_refused_between() {
    let mut world = World::start().await;
    let (mut anna, mut ben, talk, _) = pair(&world).await;
    for round in 0..4 {
        let version = anna.version(&world).await;
        let plan = CommitPlan::default;
        let good = anna.make_commit(talk, plan(), version, None);
        // Refused before anything is applied, and while it is applied.
        let foreign = ben.commit(&world, talk, good.bundle.clone()).await.unwrap_err();
        assert_eq!(foreign.code, ErrorCode::REFUSED);
        let mut bent = good.bundle.clone();
        bent.group_info.0[60] ^= 1;
        assert!(anna.commit(&world, talk, bent).await.is_err());
        if round == 2 {
            world.restart().await;
        }
        let late = ben.make_commit(talk, plan(), version, None);
        let first = anna.commit(&world, talk, good.bundle.clone()).await.unwrap();
        let taken = ben.commit(&world, talk, late.bundle).await.unwrap_err();
        assert_eq!(taken.code, ErrorCode::EPOCH_TAKEN);
        let again = anna.commit(&world, talk, good.bundle.clone()).await.unwrap();
        assert!(again.duplicate && !first.duplicate);
        anna.apply_own(talk);
        ben.engine
            .discard_own_commit(&ben.store, talk.group.as_bytes())
            .unwrap();
        ben.process(talk, &good.bundle.commit.0);
        // And the other way round.
        let answer = ben.make_commit(talk, plan(), version, None);
        ben.commit(&world, talk, answer.bundle.clone()).await.unwrap();
        ben.apply_own(talk);
        anna.process(talk, &answer.bundle.commit.0);
    }
}
