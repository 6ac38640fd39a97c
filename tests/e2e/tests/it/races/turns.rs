//! The commit turn (rule 3.10): who loses epoch after epoch gets one, uses it or loses it, and everybody's commits get in.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use curo::{ConversationId, IntentId};
use curo_kit::{Person, TestRelay, until_done, until_text};
use curo_relay::ManualClock;
use curo_relay::storage::{LOSSES, TURN_MS, TURN_PAUSE_MS};

use crate::mitm::{Gate, Victim};
use crate::team::{group, send};
use crate::{SOON, api, logs};

/// Ana, whose way to the relay is slow enough to lose each epoch, and two who are faster.
struct Busy {
    relay: TestRelay,
    clock: Arc<ManualClock>,
    ana: Victim,
    fast: [Victim; 2],
    dan: Person,
    id: ConversationId,
    /// Where ana's next commit is held.
    gate: Gate,
    /// All that went through, in the order of the log.
    won: Vec<IntentId>,
}

impl Busy {
    async fn set() -> Self {
        logs();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let clock = Arc::new(ManualClock::new(u64::try_from(now).unwrap()));
        let relay = TestRelay::builder().clock(clock.clone()).start().await.unwrap();
        let ana = Victim::online(&relay, "ana").await;
        let fast = [Victim::online(&relay, "ben").await, Victim::online(&relay, "cho").await];
        let dan = Person::online(&relay, "dan").await.unwrap();
        let id = group(&[&ana.person, &fast[0].person, &fast[1].person, &dan]).await;
        let gate = ana.mitm.hold("/commits");
        Self {
            relay,
            clock,
            ana,
            fast,
            dan,
            id,
            gate,
            won: Vec::new(),
        }
    }

    async fn renews(&self, who: &Victim) -> IntentId {
        who.client().conversation(self.id).renew_keys().await.unwrap()
    }

    /// One of the fast ones commits, and that is in the log before ana's commit is let through.
    async fn wins(&mut self, n: usize) {
        let who = &self.fast[n % 2];
        let intent = self.renews(who).await;
        until_done(who.client(), self.id, intent, SOON).await;
        self.won.push(intent);
    }

    /// Ana's commit of this epoch comes too late, `times` in a row; her next one is held.
    async fn ana_loses(&mut self, times: usize) {
        for n in 0..times {
            self.gate.arrived().await;
            self.wins(n).await;
            let lost = self.refused(&self.ana, "epoch_taken");
            let next = self.ana.mitm.hold("/commits");
            self.gate = next;
            // The next one is made when the loss is known, and only then.
            self.gate.arrived().await;
            assert_eq!(self.refused(&self.ana, "epoch_taken"), lost + 1);
        }
    }

    /// How often somebody's commit was answered like this.
    fn refused(&self, who: &Victim, code: &str) -> usize {
        let tries = who.mitm.exchanges(&format!("{}/commits", self.id));
        tries.iter().filter(|one| one.answer["code"] == code).count()
    }

    /// Somebody's commit waits for ana's turn to end.
    async fn waits(&self, who: &Victim) -> IntentId {
        let intent = self.renews(who).await;
        who.mitm.until(|one| one.answer["code"] == "not_your_turn").await;
        let told = who.mitm.exchanges("/commits");
        let told = told.iter().find(|one| one.answer["code"] == "not_your_turn").unwrap();
        let left = told.answer["retry_after_ms"].as_u64().unwrap();
        assert!(told.status == 429 && (1..=TURN_MS).contains(&left), "{told:?}");
        intent
    }

    /// From now on nobody is held up.
    fn opens(&mut self) {
        let nowhere = self.ana.mitm.hold("=/nowhere");
        self.gate = nowhere;
    }

    async fn done(&self, who: &Victim, intent: IntentId) {
        until_done(who.client(), self.id, intent, SOON).await;
    }

    /// The commits of the log after the first, in order; each intent is there once.
    async fn log(&self) -> Vec<IntentId> {
        let log = api::log(&self.relay, &self.ana.person, self.id).await;
        log.iter()
            .filter(|entry| entry.kind.as_str() == "commit")
            .skip(1)
            .map(|entry| entry.intent)
            .collect()
    }

    /// All are in the same epoch: each reads the others.
    async fn still_together(&self) {
        let all = [&self.ana.person, &self.fast[0].person, &self.fast[1].person, &self.dan];
        for writer in all {
            let text = format!("last of {}", writer.subject());
            send(writer, self.id, &text).await;
            for reader in all {
                until_text(reader.client(), self.id, &text, SOON).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_10_who_loses_three_epochs_in_a_row_gets_the_turn_and_all_commits_get_in() {
    let mut busy = Busy::set().await;
    // More than one of each: who commits again and again is what the turn is for.
    let hers = [busy.renews(&busy.ana).await, busy.renews(&busy.ana).await];
    busy.ana_loses(usize::try_from(LOSSES).unwrap()).await;
    let (his, theirs) = (busy.waits(&busy.fast[0]).await, busy.waits(&busy.fast[1]).await);
    // Messages go on meanwhile.
    send(&busy.dan, busy.id, "while she has the turn").await;
    for reader in [&busy.ana, &busy.fast[0], &busy.fast[1]] {
        until_text(reader.client(), busy.id, "while she has the turn", SOON).await;
    }
    assert_eq!(busy.log().await, busy.won, "nobody else has won");

    // The relay's clock stands: her turn ends because she uses it.
    busy.opens();
    busy.done(&busy.ana, hers[0]).await;
    busy.done(&busy.ana, hers[1]).await;
    busy.done(&busy.fast[0], his).await;
    busy.done(&busy.fast[1], theirs).await;
    let log = busy.log().await;
    let (before, after) = log.split_at(busy.won.len());
    assert_eq!(before, busy.won);
    assert_eq!((after[0], after.len()), (hers[0], 4), "hers is the next one: {log:?}");
    for intent in [hers[1], his, theirs] {
        assert_eq!(after.iter().filter(|one| **one == intent).count(), 1);
    }
    busy.still_together().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_10_a_turn_that_is_not_used_ends_and_the_next_one_is_long_in_coming() {
    let mut busy = Busy::set().await;
    let hers = busy.renews(&busy.ana).await;
    let times = usize::try_from(LOSSES).unwrap();
    busy.ana_loses(times).await;
    let waiting = busy.waits(&busy.fast[0]).await;
    busy.clock.advance_ms(TURN_MS);
    busy.done(&busy.fast[0], waiting).await;
    busy.won.push(waiting);
    // That was a loss, too: what she sends next makes it known.
    let next = busy.ana.mitm.hold("/commits");
    busy.gate = next;
    busy.gate.arrived().await;

    // As many losses again bring nothing: nobody is told to wait.
    let told = busy.refused(&busy.fast[0], "not_your_turn") + busy.refused(&busy.fast[1], "not_your_turn");
    busy.ana_loses(times).await;
    busy.wins(0).await;
    let next = busy.ana.mitm.hold("/commits");
    busy.gate = next;
    busy.gate.arrived().await;
    let now = busy.refused(&busy.fast[0], "not_your_turn") + busy.refused(&busy.fast[1], "not_your_turn");
    assert_eq!(now, told);

    // When the pause is over, the next loss brings a turn again, and this one is used.
    busy.clock.advance_ms(TURN_PAUSE_MS);
    busy.ana_loses(1).await;
    let last = busy.waits(&busy.fast[1]).await;
    busy.opens();
    busy.done(&busy.ana, hers).await;
    busy.done(&busy.fast[1], last).await;
    let log = busy.log().await;
    assert_eq!(log[busy.won.len()..], [hers, last]);
    assert_eq!(log[..busy.won.len()], busy.won);
    busy.still_together().await;
}
