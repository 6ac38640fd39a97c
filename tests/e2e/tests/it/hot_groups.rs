//! Groups whose state the relay keeps loaded (rule 9.2), and what becomes of them when there is no room for all: they are
//! read again, from the last checkpoint and the commits since, and nobody notices.

use curo::{ConversationId, DeliveryState, IntentId};
use curo_kit::{Person, TestRelay, TestRelayBuilder, until_delivery, until_done, until_text};

use crate::child::RelayProcess;
use crate::team::{group, people, read, send, until_sent};
use crate::{SOON, api, logs};

const GROUPS: usize = 5;
/// Not a divisor of the rounds: the groups are evicted at a checkpoint, right after one, and in between.
const EVERY: u32 = 3;
const ROUNDS: usize = 7;
/// Room for one group of two or three people, not for five.
const SMALL: usize = 5 * 1024;

fn relay(cache: Option<usize>) -> TestRelayBuilder {
    logs();
    TestRelay::builder().with_metrics().limits(move |limits| {
        limits.commits_per_checkpoint = EVERY;
        if let Some(cache) = cache {
            limits.group_cache_bytes = cache;
        }
    })
}

/// What the relay's metrics say of its groups.
async fn counted(relay: &TestRelay) -> [u64; 3] {
    let mut counted = [0; 3];
    for (value, name) in counted
        .iter_mut()
        .zip(["groups_kept", "groups_read_total", "groups_evicted_total"])
    {
        *value = relay.metric(name).await.unwrap();
    }
    counted
}

async fn renews(person: &Person, id: ConversationId) -> IntentId {
    let intent = person.client().conversation(id).renew_keys().await.unwrap();
    until_done(person.client(), id, intent, SOON).await;
    intent
}

/// One commit in each group, by turns, and what it is told afterwards.
async fn round(team: &[Person; 2], groups: &[ConversationId], n: usize) -> Vec<IntentId> {
    let (author, reader) = (&team[n % 2], &team[(n + 1) % 2]);
    let mut made = Vec::new();
    for id in groups {
        made.push(renews(author, *id).await);
        let text = format!("round {n}");
        send(author, *id, &text).await;
        until_text(reader.client(), *id, &text, SOON).await;
    }
    made
}

/// Every commit is in its log once, in the order in which they were made, and a newcomer gets in.
async fn whole(relay: &TestRelay, team: &[Person; 2], groups: &[ConversationId], made: &[Vec<IntentId>], new: &Person) {
    for (n, id) in groups.iter().enumerate() {
        let log = api::log(relay, &team[0], *id).await;
        let commits: Vec<_> = log.iter().filter(|entry| entry.kind.as_str() == "commit").collect();
        let intents: Vec<_> = commits.iter().skip(1).map(|entry| entry.intent).collect();
        assert_eq!(intents, made.iter().map(|round| round[n]).collect::<Vec<_>>());
        let conversation = team[n % 2].client().conversation(*id);
        let added = conversation.add(&[new.user().await]).await.unwrap();
        until_done(team[n % 2].client(), *id, added, SOON).await;
        let last = send(&team[n % 2], *id, "welcome").await;
        let all = DeliveryState::Delivered { by: 2, of: 2 };
        until_delivery(team[n % 2].client(), *id, last, all, SOON).await;
        assert_eq!(read(new, *id).await, ["welcome"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_2_groups_that_gave_way_to_others_are_read_again_and_go_on() {
    for cache in [None, Some(SMALL), Some(0)] {
        let relay = relay(cache).start().await.unwrap();
        let [ana, ben, cho] = people(&relay, &["ana", "ben", "cho"]).await.try_into().unwrap();
        let team = [ana, ben];
        let mut groups = Vec::new();
        for _ in 0..GROUPS {
            groups.push(group(&[&team[0], &team[1]]).await);
        }
        let mut made = Vec::new();
        for n in 0..ROUNDS {
            made.push(round(&team, &groups, n).await);
        }
        let commits = u64::try_from(GROUPS * ROUNDS).unwrap();
        let [kept, reads, evicted] = counted(&relay).await;
        match cache {
            // Each group was loaded when it was created, and stayed.
            None => assert_eq!([kept, reads, evicted], [GROUPS as u64, 0, 0]),
            // Some stay, and by the time a group's turn comes it has given way to the others.
            Some(SMALL) => {
                assert!((1..GROUPS as u64).contains(&kept), "{kept} kept");
                assert!(
                    evicted >= commits - kept && reads >= commits - GROUPS as u64,
                    "{reads} read, {evicted} evicted"
                );
            }
            Some(_) => assert_eq!((kept, reads), (0, commits)),
        }
        // One group alone stays at hand.
        if cache == Some(SMALL) {
            renews(&team[0], groups[0]).await;
            let [_, before, _] = counted(&relay).await;
            let alone = [renews(&team[1], groups[0]).await, renews(&team[0], groups[0]).await];
            assert_eq!(counted(&relay).await[1], before, "{alone:?} were read for nothing");
            groups.remove(0);
            for round in &mut made {
                round.remove(0);
            }
        }
        whole(&relay, &team, &groups, &made, &cho).await;
    }
}

/// Nothing is written when a group gives way, so there is nothing to lose: the relay dies right after it, again and again.
#[tokio::test(flavor = "multi_thread")]
async fn p9_2_a_relay_killed_right_after_a_group_gave_way_has_all_of_it() {
    let mut relay = relay(Some(SMALL)).start().await.unwrap();
    let [ana, ben, cho] = people(&relay, &["ana", "ben", "cho"]).await.try_into().unwrap();
    let team = [ana, ben];
    let mut groups = Vec::new();
    for _ in 0..3 {
        groups.push(group(&[&team[0], &team[1]]).await);
    }
    relay.stop().await;
    // The first eviction of each life, and later ones: right after a checkpoint and between two.
    let plan = [1, 1, 2, 3, 2, 1].map(|pass| (curo_relay::failpoints::GROUP_EVICTED.to_owned(), pass));
    let deaths = plan.len();
    let process = RelayProcess::start(&relay, plan, &[]);
    process.until_up().await;
    let mut made = Vec::new();
    for n in 0.. {
        if process.deaths() == deaths {
            break;
        }
        assert!(n < 40, "{} deaths", process.deaths());
        made.push(round(&team, &groups, n).await);
    }
    process.until_died(deaths).await;
    made.push(round(&team, &groups, made.len()).await);
    whole(&relay, &team, &groups, &made, &cho).await;
    for person in team.iter().chain([&cho]) {
        until_sent(person).await;
        assert_eq!(person.client().outbox().await.unwrap().failed, 0);
        person.close().await.unwrap();
    }
}
