//! Two members open the next incarnation at once (rule 3.7): one of them does, the other comes in with its Welcome.

use curo::{ConversationId, ConversationState, Entry};
use curo_kit::{Person, TestRelay};
use curo_types::api::IncarnationsAnswer;
use serde_json::{Value, json};

use crate::mitm::{Call, Gate, Reply, Victim};
use crate::renewal::{incarnation, poison, until_incarnation};
use crate::team::{group, same_everywhere, send, state, until_active, until_holds, until_sent, until_state};
use crate::{api, logs};

const OPENING: &str = "/v1/conversations";

/// The relay offers the opening to one at a time, to save work. Here each is told that it is theirs.
fn told_that_it_is_theirs(call: &mut Call) -> Option<Reply> {
    let opening = call.is("/duty") && call.body["duty"] == "open_incarnation";
    opening.then(|| Reply::json(200, json!({ "yours": true, "for_ms": 30_000 })))
}

fn nobodys(call: &mut Call) -> Option<Reply> {
    let later = json!({ "yours": false, "for_ms": 100 });
    call.is("/duty").then(|| Reply::json(200, later))
}

/// Keeps what is in the inbox from its owner.
fn without_inbox(call: &Call, reply: &mut Reply) {
    if (call.is("/v1/sync") || call.is("/v1/stream")) && reply.value().get("inbox").is_some() {
        reply.value()["inbox"] = json!([]);
    }
}

/// Ana's commit has ended the incarnation; ben and cho stand before the relay, each with the next one.
struct Race {
    relay: TestRelay,
    ana: Victim,
    racers: [Victim; 2],
    gates: [Option<Gate>; 2],
    id: ConversationId,
}

impl Race {
    async fn begins() -> Self {
        logs();
        let relay = TestRelay::start().await.unwrap();
        let ana = Victim::online(&relay, "ana").await;
        let racers = [Victim::online(&relay, "ben").await, Victim::online(&relay, "cho").await];
        let [ben, cho] = &racers;
        let id = group(&[&ana.person, &ben.person, &cho.person]).await;
        for (n, person) in [&ana.person, &ben.person, &cho.person].into_iter().enumerate() {
            send(person, id, &format!("before {n}")).await;
            until_sent(person).await;
        }
        same_everywhere(&[&ana.person, &ben.person, &cho.person], id, 3).await;
        let gates = [
            Some(ben.mitm.hold("=/v1/conversations")),
            Some(cho.mitm.hold("=/v1/conversations")),
        ];
        ben.mitm.before_relay(told_that_it_is_theirs);
        cho.mitm.before_relay(told_that_it_is_theirs);
        cho.client().stop().await;
        send(&cho.person, id, "cho, while away").await;

        // Ben cannot read it, and comes in again from outside; what he says there does not stand.
        ana.mitm.before_relay(|call| poison(call).or_else(|| nobodys(call)));
        ana.client().conversation(id).renew_keys().await.unwrap();
        until_gap(&ben.person, id).await;
        until_active(&ben.person, id).await;
        send(&ben.person, id, "ben, in between").await;
        until_sent(&ben.person).await;
        ana.mitm.before_relay(nobodys);
        // Cho cannot read it either: the incarnation is over. Ben hears of it when he says something.
        cho.client().start().await.unwrap();
        let mut race = Self {
            relay,
            ana,
            racers,
            gates,
            id,
        };
        race.arrived(1).await;
        send(&race.racers[0].person, id, "ben, when it was over").await;
        race.arrived(0).await;
        assert_eq!(race.known().await.incarnations.len(), 1);
        race
    }

    async fn arrived(&mut self, n: usize) {
        let gate = self.gates[n].as_mut().unwrap();
        tokio::time::timeout(crate::SOON, gate.arrived()).await.unwrap();
    }

    async fn known(&self) -> IncarnationsAnswer {
        let path = format!("/v1/conversations/{}/incarnations", self.id);
        let (status, answer) = api::call(&self.relay, &self.racers[0].person, &path, None).await;
        assert_eq!(status, 200, "{answer}");
        serde_json::from_value(answer).unwrap()
    }

    /// What the relay said to the attempts to open this conversation's second incarnation.
    fn answers(&self, n: usize) -> Vec<(u16, Value)> {
        let tries = self.racers[n].mitm.exchanges(OPENING).into_iter();
        tries
            .filter(|one| one.path == OPENING && one.request["incarnation"] == 2)
            .map(|one| (one.status, one.answer["code"].clone()))
            .collect()
    }

    fn commits(&self, n: usize) -> usize {
        self.racers[n].mitm.exchanges(&format!("{}/commits", self.id)).len()
    }

    /// Nothing was lost, and nobody came in but by the one opening.
    async fn ends(self, winner: usize, commits: usize) {
        let [ben, cho] = &self.racers;
        let all = [&self.ana.person, &ben.person, &cho.person];
        for person in all {
            until_incarnation(person, self.id, 2).await;
            send(person, self.id, &format!("after, {}", person.subject())).await;
        }
        let said = same_everywhere(&all, self.id, 10).await;
        for text in [
            "cho, while away",
            "ben, in between",
            "ben, when it was over",
            "the winner",
        ] {
            assert_eq!(said.iter().filter(|one| *one == text).count(), 1, "{text}: {said:?}");
        }
        let known = self.known().await;
        let over: Vec<_> = known.incarnations.iter().map(|one| one.over.as_deref()).collect();
        assert_eq!(over, [Some("commit"), None]);
        let loser = 1 - winner;
        assert_eq!(self.answers(winner), [(200, Value::Null)]);
        assert_eq!(self.answers(loser), [(409, json!("incarnation_changed"))]);
        assert_eq!(self.commits(loser), commits, "by its Welcome, not from outside");
        for person in all {
            let info = person.client().conversation(self.id).info().await.unwrap();
            assert_eq!(
                (info.state, info.members.len()),
                (ConversationState::Active, 3),
                "{person:?}"
            );
            assert_eq!(incarnation(person, self.id).await, 2);
            assert_eq!(person.client().outbox().await.unwrap().failed, 0);
        }
    }
}

async fn until_gap(person: &Person, id: ConversationId) {
    until_holds(person, "a gap".into(), async || {
        let newest = person.client().conversation(id).latest(100).await.unwrap();
        newest.items.iter().any(|item| matches!(item.entry, Entry::Gap { .. }))
    })
    .await;
}

/// The answer comes first: the loser throws its own group away, and waits until its Welcome is there.
#[tokio::test(flavor = "multi_thread")]
async fn p3_7_of_two_openers_the_loser_waits_for_its_welcome() {
    for winner in [0, 1] {
        let mut race = Race::begins().await;
        let loser = 1 - winner;
        let commits = race.commits(loser);
        race.racers[loser].mitm.after_relay(without_inbox);
        race.gates[winner] = None;
        until_incarnation(&race.racers[winner].person, race.id, 2).await;
        send(&race.racers[winner].person, race.id, "the winner").await;
        until_incarnation(&race.ana.person, race.id, 2).await;
        assert!(race.answers(loser).is_empty());
        race.gates[loser] = None;
        until_state(&race.racers[loser].person, race.id, ConversationState::Waiting).await;
        race.racers[loser].mitm.honest();
        // What a stream has kept back comes with the next sync.
        race.racers[loser].client().catch_up().await.unwrap();
        race.ends(winner, commits).await;
    }
}

/// The Welcome comes first, while the loser's own opening is on its way: that one opens nothing, and harms nothing.
#[tokio::test(flavor = "multi_thread")]
async fn p3_7_of_two_openers_the_loser_may_be_welcomed_before_it_has_lost() {
    for winner in [0, 1] {
        let mut race = Race::begins().await;
        let loser = 1 - winner;
        let commits = race.commits(loser);
        race.gates[winner] = None;
        until_incarnation(&race.racers[winner].person, race.id, 2).await;
        send(&race.racers[winner].person, race.id, "the winner").await;
        until_active(&race.racers[loser].person, race.id).await;
        assert!(race.answers(loser).is_empty());
        assert_eq!(
            state(&race.racers[loser].person, race.id).await,
            Some(ConversationState::Active)
        );
        race.gates[loser] = None;
        race.ends(winner, commits).await;
    }
}
