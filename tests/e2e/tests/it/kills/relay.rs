//! The relay dies, or its storage fails, at any step of the work of people who notice nothing of it.

use curo::{DeliveryState, MessageId};
use curo_kit::{KitError, Person, TestRelay, texts, until, until_delivery, until_text};

use super::Seeds;
use crate::child::{Death, RelayProcess};
use crate::{SOON, logs};

/// A relay that dies as planned, three people who stay, and the work of a fourth that makes the relay do all that it does.
struct RelayWorld {
    relay: TestRelay,
    process: RelayProcess,
    people: [Person; 3],
}

impl RelayWorld {
    async fn start(plan: impl IntoIterator<Item = Death>, failing: &[(&str, &str)]) -> Self {
        logs();
        let mut relay = TestRelay::start().await.unwrap();
        let (ana, ben, carol) = tokio::join!(
            Person::online(&relay, "ana"),
            Person::online(&relay, "ben"),
            Person::online(&relay, "carol")
        );
        relay.stop().await;
        let process = RelayProcess::start(&relay, plan, failing);
        Self {
            relay,
            process,
            people: [ana.unwrap(), ben.unwrap(), carol.unwrap()],
        }
    }

    async fn end(self) {
        for person in self.people {
            person.close().await.unwrap();
        }
    }

    async fn job(&self, subject: &str) {
        let person = Person::new(&self.relay, subject).await.unwrap();
        tokio::time::timeout(SOON, async {
            loop {
                self.process.until_up().await;
                match person.go_online().await {
                    Err(KitError::Client(error)) if error.retryable() => tokio::task::yield_now().await,
                    online => return online.unwrap(),
                }
            }
        })
        .await
        .expect("signed in");
        let [ana, ben, carol] = &self.people;
        let users = [ana.user().await, ben.user().await];
        let (ward, _) = person.client().create_conversation(&users).await.unwrap();
        for text in ["one", "two"] {
            ward.send_text(text.into(), MessageId::random()).await.unwrap();
        }
        ward.add(&[carol.user().await]).await.unwrap();
        let last = ward.send_text("three".into(), MessageId::random()).await.unwrap();
        until_text(ana.client(), ward.id(), "three", SOON).await;
        until_delivery(
            person.client(),
            ward.id(),
            last,
            DeliveryState::Delivered { by: 3, of: 3 },
            SOON,
        )
        .await;
        let answer = ana.client().conversation(ward.id());
        answer.send_text("four".into(), MessageId::random()).await.unwrap();
        for (who, from) in [(&person, 0), (ana, 0), (ben, 0), (carol, 2)] {
            until_text(who.client(), ward.id(), "four", SOON).await;
            let all = ["one", "two", "three", "four"];
            assert_eq!(
                texts(&who.client().conversation(ward.id())).await.unwrap(),
                all[from..],
                "{who:?}"
            );
        }
        ward.leave().await.unwrap();
        let left = async || ward.info().await.is_ok_and(|info| info.left);
        until(person.client(), "left", SOON, left).await;
        let outbox = person.client().outbox().await.unwrap();
        assert_eq!((outbox.waiting, outbox.failed), (0, 0));
        person.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_1_a_relay_killed_at_each_point_loses_and_doubles_nothing() {
    // Of calls that the client makes in ordinary work.
    let ordinary = |point: &&str| {
        ![
            "relay.approval.",
            "relay.receipt.",
            "relay.report.",
            "relay.leave.",
            "relay.bodies.",
            "relay.silence.",
        ]
        .iter()
        .any(|name| point.starts_with(name))
    };
    let plan: Vec<_> = curo_e2e::relay_points()
        .filter(ordinary)
        .map(|point| (point.to_owned(), 1))
        .collect();
    let world = RelayWorld::start(plan.clone(), &[]).await;
    for n in 0.. {
        let before = world.process.deaths();
        if before == plan.len() {
            break;
        }
        world.job(&format!("person-{n}")).await;
        assert!(world.process.deaths() > before, "{:?} was never passed", plan[before]);
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::print_stdout, reason = "shown where the test fails")]
async fn p3_1_a_relay_killed_again_and_again_loses_and_doubles_nothing() {
    let points: Vec<_> = curo_e2e::relay_points()
        .chain(curo_e2e::SQLITE_POINTS.into_iter().cycle().take(8))
        .collect();
    for seed in Seeds::new(1).0 {
        let plan = Seeds::plan(seed, &points, 12, 4);
        println!("CURO_KILL_SEED={seed}: {plan:?}");
        let world = RelayWorld::start(plan, &[]).await;
        for n in 0..4 {
            world.job(&format!("person-{n}")).await;
        }
        world.end().await;
    }
}

/// A relay whose storage fails now and then, before or after it has done what it was asked for.
#[tokio::test(flavor = "multi_thread")]
async fn p3_1_a_relay_whose_storage_fails_now_and_then_loses_and_doubles_nothing() {
    let failing: Vec<_> = curo_relay::failpoints::ALL
        .iter()
        .map(|point| (*point, "10%return"))
        .collect();
    let world = RelayWorld::start([], &failing).await;
    for n in 0..2 {
        world.job(&format!("person-{n}")).await;
    }
    world.end().await;
}
