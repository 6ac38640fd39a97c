//! Kill tests: a process is stopped dead at every fail point and started again from its disk. Nothing is lost, nothing is
//! doubled, the order holds, no group forks (rule book section 4: the outbox survives a kill at any instruction).

mod approval;
mod relay;

use std::sync::Arc;
use std::time::Duration;

use curo::{ConversationId, DeliveryState, Entry, MessageId, PAGE_LIMIT, Role};
use curo_kit::{Person, TestRelay, texts, until, until_delivery, until_done, until_text};
use serde_json::json;

use crate::child::{Death, Mover};
use crate::{SOON, logs, raw};

/// A relay and two people who stay.
pub struct World {
    pub relay: TestRelay,
    ana: Arc<Person>,
    ben: Arc<Person>,
}

impl World {
    pub async fn start() -> Self {
        logs();
        let relay = TestRelay::start().await.unwrap();
        let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
        Self {
            relay,
            ana: Arc::new(ana.unwrap()),
            ben: Arc::new(ben.unwrap()),
        }
    }

    /// Closes every store: SQLCipher does not bear a process that ends while one is open.
    pub async fn end(mut self) {
        self.ana.close().await.unwrap();
        self.ben.close().await.unwrap();
        self.relay.stop().await;
    }

    /// All that a client does, by a new client whose lives end as planned; then what everybody must see.
    pub async fn job(&self, subject: &str, plan: &[Death]) -> Mover {
        self.job_of(Mover::new(&self.relay, subject, plan.iter().cloned()), subject)
            .await
    }

    async fn job_of(&self, mut mover: Mover, subject: &str) -> Mover {
        let (ana, ben) = (self.ana.user().await, self.ben.user().await);
        mover.begin();

        // It is invited.
        let (ward, _) = self.ana.client().create_conversation(&[mover.user]).await.unwrap();
        let welcome = ward.send_text("welcome".into(), MessageId::random()).await.unwrap();
        mover.until_text(ward.id(), "welcome");
        mover.mark_read(ward.id(), "welcome");
        let read = |by, of| DeliveryState::Read { by, of };
        until_delivery(self.ana.client(), ward.id(), welcome, read(1, 1), SOON).await;
        mover.send(ward.id(), "thanks");

        // It invites, and what it does comes in the order in which it was done.
        let care = mover.create(&[ana]);
        for text in ["one", "two", "three"] {
            mover.send(care, text);
        }
        let added = mover.add(care, &[ana, ben]);
        mover.send(care, "four");
        mover.register_push("first");
        mover.rekey();
        mover.register_push("second");
        mover.unregister_push();
        mover.register_push("second");
        let renewed = mover.renew(care);
        let last = mover.send(care, "five");
        // A dead process is found dead, and started again, when it is asked for something.
        mover.settled();
        until_text(self.ana.client(), care, "five", SOON).await;
        let theirs = self.ana.client().conversation(care);
        let six = theirs.send_text("six".into(), MessageId::random()).await.unwrap();
        mover.until_text(care, "six");
        mover.mark_read(care, "six");
        until_delivery(self.ana.client(), care, six, read(1, 2), SOON).await;
        mover.until_done(care, added);
        mover.until_done(care, renewed);
        mover.until_delivered(care, last, 2);
        assert_eq!(mover.settled(), 0, "something failed");

        // It leaves; who stays goes on.
        mover.leave(ward.id());
        let after = ward.send_text("after".into(), MessageId::random()).await.unwrap();
        until_delivery(self.ana.client(), ward.id(), after, DeliveryState::Sent, SOON).await;

        // Everything once, in order, with everybody; and again from disk.
        until_text(self.ben.client(), care, "six", SOON).await;
        until_text(self.ana.client(), ward.id(), "thanks", SOON).await;
        let all = ["one", "two", "three", "four", "five", "six"];
        for life in 0..2 {
            assert_eq!(mover.texts(care), all, "life {life}");
            assert_eq!(mover.texts(ward.id()), ["welcome", "thanks"], "life {life}");
            if life == 0 {
                mover.kill_and_restart();
            }
        }
        assert_eq!(texts(&theirs).await.unwrap(), all);
        let came = self.damaged(&mut mover, care, &theirs).await;
        assert_eq!(mover.texts(care), came);
        assert_eq!(
            texts(&self.ben.client().conversation(care)).await.unwrap(),
            ["four", "five", "six", "seven", "eight"]
        );
        assert_eq!(texts(&ward).await.unwrap(), ["welcome", "thanks", "after"]);
        let page = theirs.latest(PAGE_LIMIT).await.unwrap();
        let came = page
            .items
            .iter()
            .filter(|item| matches!(&item.entry, Entry::Members { added, .. } if added.contains(&ben)));
        assert_eq!(came.count(), 1, "ben came once");
        // Whom it has added was told what was before (6.5).
        let theirs = self.ben.client().conversation(care).info().await.unwrap();
        let admin = theirs.roster.iter().find(|member| member.user == mover.user).unwrap();
        assert_eq!(admin.role, Role::admin());
        self.check_registration(subject, &mover).await;
        mover
    }

    /// Its groups cannot be read any more: it comes back by external commit, and has missed nothing.
    async fn damaged(&self, mover: &mut Mover, care: ConversationId, theirs: &curo::Conversation) -> Vec<String> {
        mover.damage_groups().await;
        mover.send(care, "seven");
        mover.settled();
        until_text(self.ana.client(), care, "seven", SOON).await;
        theirs.send_text("eight".into(), MessageId::random()).await.unwrap();
        mover.until_text(care, "eight");
        assert_eq!(mover.settled(), 0, "something failed");
        until_text(self.ben.client(), care, "eight", SOON).await;
        mover.kill_and_restart();
        let all = texts(theirs).await.unwrap();
        assert_eq!(
            all,
            ["one", "two", "three", "four", "five", "six", "seven", "eight"],
            "after the damage"
        );
        all
    }

    /// A client whose lives end as planned sends and commits while two others do the same; then what everybody must see.
    async fn busy_job(&self, subject: &str, plan: &[Death]) {
        let mut mover = Mover::new(&self.relay, subject, plan.iter().cloned());
        mover.begin();
        let care = mover.create(&[self.ben.user().await, self.ana.user().await]);
        mover.send(care, "begin");
        mover.settled();
        // Threads of their own: asking the other process blocks this one.
        let runtime = tokio::runtime::Handle::current();
        let others = [&self.ana, &self.ben].map(|person| {
            let (person, runtime) = (Arc::clone(person), runtime.clone());
            std::thread::spawn(move || runtime.block_on(be_busy(&person, care)))
        });
        for n in 0..9 {
            mover.send(care, &format!("mover {n}"));
            if n % 3 == 0 {
                mover.renew(care);
            }
        }
        assert_eq!(mover.settled(), 0, "something failed");
        for other in others {
            tokio::task::block_in_place(|| other.join()).unwrap();
        }
        mover.send(care, "end");
        mover.settled();

        let all = mover.texts(care);
        for person in [&self.ana, &self.ben] {
            until_text(person.client(), care, "end", SOON).await;
            assert_eq!(
                texts(&person.client().conversation(care)).await.unwrap(),
                all,
                "{person:?}, {plan:?}"
            );
        }
        assert_eq!(all.len(), 2 + 3 * 9, "{all:?}");
        for name in ["ana", "ben", "mover"] {
            let of_one: Vec<_> = all.iter().filter(|text| text.starts_with(name)).collect();
            let sent: Vec<_> = (0..9).map(|n| format!("{name} {n}")).collect();
            assert_eq!(of_one, sent.iter().collect::<Vec<_>>(), "{plan:?}");
        }
    }

    /// One device in the directory, and a full stock of KeyPackages at the relay.
    async fn check_registration(&self, subject: &str, mover: &Mover) {
        let token = self
            .relay
            .issuer()
            .mint(self.relay.tenant(), subject, Duration::from_secs(60));
        let device = serde_json::from_value(mover.device.clone()).unwrap();
        let (status, sync) = raw::post(
            &self.relay,
            &token,
            Some(device),
            "/v1/sync",
            &json!({ "inbox_ack": 0 }),
        )
        .await;
        assert_eq!(status, 200, "{sync}");
        let stock = &sync["key_packages"][0];
        let one_time = stock["one_time"].as_u64().unwrap();
        assert!(
            stock["last_resort"] == true && (25..=100).contains(&one_time),
            "{stock}"
        );
        let users = json!({ "users": [mover.user] });
        let (status, directory) = raw::post(&self.relay, &token, Some(device), "/v1/directory", &users).await;
        assert_eq!(
            (status, directory["records"].as_array().unwrap().len()),
            (200, 1),
            "{directory}"
        );
    }
}

/// Sends and commits at the pace of the relay, so that it goes on while somebody dies and comes back.
async fn be_busy(person: &Person, care: ConversationId) {
    until_text(person.client(), care, "begin", SOON).await;
    let conversation = person.client().conversation(care);
    let mut renewed = Vec::new();
    for n in 0..9 {
        let text = format!("{} {n}", person.subject());
        let sent = conversation
            .send_text(text.as_str().into(), MessageId::random())
            .await
            .unwrap();
        if n % 3 == 1 {
            renewed.push(conversation.renew_keys().await.unwrap());
        }
        let went = async || {
            conversation
                .delivery(sent)
                .await
                .is_ok_and(|state| state != DeliveryState::Queued)
        };
        until(person.client(), "sent", SOON, went).await;
    }
    for intent in renewed {
        until_done(person.client(), care, intent, SOON).await;
    }
}

/// Points that ordinary work does not pass; a test of their own kills at each.
pub const ELSEWHERE: [&str; 4] = [
    curo::failpoints::KEYS_BEFORE_SEND,
    curo::failpoints::KEYS_AFTER_SEND,
    curo::failpoints::APPROVAL_BEFORE_SEND,
    curo::failpoints::APPROVAL_AFTER_SEND,
];

/// Every client point at its first and second pass, a share of them in each test so that they run side by side.
async fn dies_at_each_point(share: usize, of: usize) {
    let world = World::start().await;
    let points = curo_e2e::client_points().filter(|point| !ELSEWHERE.contains(point));
    let deaths = points.flat_map(|point| [(point, 1), (point, 2)]);
    for (n, (point, pass)) in deaths.enumerate().filter(|(n, _)| (n / 2) % of == share) {
        let mover = world.job(&format!("mover-{n}"), &[(point.to_owned(), pass)]).await;
        // It registers, is invited and leaves once; everything else comes again.
        let once = [
            "client.register.",
            "client.key_packages.",
            "client.sync.joined",
            "client.rejoin.",
            "store.rekey.",
            "client.leave.",
            "client.push_end.",
        ];
        let comes = pass == 1 || !once.iter().any(|name| point.starts_with(name));
        assert_eq!(mover.deaths, usize::from(comes), "{point}, pass {pass}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_client_killed_at_each_point_goes_on_a() {
    dies_at_each_point(0, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_client_killed_at_each_point_goes_on_b() {
    dies_at_each_point(1, 2).await;
}

/// Random deaths, one after the other, with a seed that brings them again: `CURO_KILL_SEED=… cargo test …`.
/// `CURO_KILL_ROUNDS` says how many rounds there are.
struct Seeds(Vec<u64>);

impl Seeds {
    fn new(rounds: usize) -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        if let Some(seed) = number("CURO_KILL_SEED") {
            return Self(vec![seed]);
        }
        let rounds = number("CURO_KILL_ROUNDS").map_or(rounds, |rounds| usize::try_from(rounds).unwrap());
        let random = || u64::from_le_bytes(*MessageId::random().as_bytes().first_chunk().unwrap());
        Self((0..rounds).map(|_| random()).collect())
    }

    /// `deaths` points and passes out of a seed (SplitMix64).
    fn plan(seed: u64, points: &[&str], deaths: usize, passes: u64) -> Vec<Death> {
        let mut state = seed;
        let mut below = |n: u64| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % n
        };
        let mut death = || {
            let point = points[usize::try_from(below(points.len() as u64)).unwrap()];
            (point.to_owned(), 1 + below(passes))
        };
        (0..deaths).map(|_| death()).collect()
    }
}

/// What a client passes again and again; half of the time it is a commit of the store.
fn repeating_client_points() -> Vec<&'static str> {
    let once = [
        "client.register.",
        "client.key_packages.",
        "client.sync.joined",
        "store.rekey.",
    ];
    let repeating = curo_e2e::client_points()
        .filter(|point| point.starts_with("client."))
        .filter(|point| !once.iter().any(|name| point.starts_with(name)));
    repeating
        .chain(curo_e2e::SQLITE_POINTS.into_iter().cycle().take(14))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::print_stdout, reason = "shown where the test fails")]
async fn p4_a_client_killed_again_and_again_goes_on() {
    let world = World::start().await;
    for (n, seed) in Seeds::new(3).0.into_iter().enumerate() {
        let plan = Seeds::plan(seed, &repeating_client_points(), 8, 12);
        println!("CURO_KILL_SEED={seed}: {plan:?}");
        world.job(&format!("mover-{n}"), &plan).await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::print_stdout, reason = "shown where the test fails")]
async fn p3_4_a_client_killed_again_and_again_among_busy_others_goes_on() {
    let world = World::start().await;
    for (n, seed) in Seeds::new(3).0.into_iter().enumerate() {
        let plan = Seeds::plan(seed, &repeating_client_points(), 8, 12);
        println!("CURO_KILL_SEED={seed}: {plan:?}");
        world.busy_job(&format!("mover-{n}"), &plan).await;
    }
    world.end().await;
}

/// A disk that fails now and then: every commit of the store may come to nothing, and is then as if it had never been.
#[tokio::test(flavor = "multi_thread")]
async fn p5_6_a_client_whose_commits_fail_now_and_then_goes_on() {
    let world = World::start().await;
    for n in 0..3 {
        let subject = format!("mover-{n}");
        let mover = Mover::new(&world.relay, &subject, []).failing(&[("sqlite.before_commit", "10%return")]);
        world.job_of(mover, &subject).await;
    }
    world.end().await;
}

/// A full disk: reading goes on, everything else is refused with its code and comes to nothing, and nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn p5_4_a_full_disk_refuses_and_loses_nothing() {
    let world = World::start().await;
    let mut mover = Mover::new(&world.relay, "mover", []);
    mover.begin();
    let care = mover.create(&[world.ana.user().await]);
    mover.send(care, "before");
    until_text(world.ana.client(), care, "before", SOON).await;
    mover.settled();
    mover.fail("sqlite.before_commit", "return(full)");
    let message = MessageId::random();
    let send = json!({ "do": "send", "conversation": care, "message": message, "text": "after" });
    for request in [
        send.clone(),
        json!({ "do": "renew", "conversation": care }),
        json!({ "do": "add", "conversation": care, "people": [world.ben.user().await] }),
        json!({ "do": "create", "people": [world.ben.user().await] }),
    ] {
        assert_eq!(mover.refused(&request), "storage_full", "{request}");
    }
    assert_eq!(mover.texts(care), ["before"]);
    // What others say meanwhile waits at the relay.
    let theirs = world.ana.client().conversation(care);
    for text in ["one", "two"] {
        theirs.send_text(text.into(), MessageId::random()).await.unwrap();
    }
    let sent = async || {
        world
            .ana
            .client()
            .outbox()
            .await
            .is_ok_and(|outbox| outbox.waiting == 0)
    };
    until(world.ana.client(), "sent", SOON, sent).await;
    assert_eq!(mover.texts(care), ["before"]);
    mover.fail("sqlite.before_commit", "off");
    mover.until_text(care, "two");
    mover.call(&send);
    until_text(world.ana.client(), care, "after", SOON).await;
    assert_eq!(mover.settled(), 0);
    for life in 0..2 {
        assert_eq!(mover.texts(care), ["before", "one", "two", "after"], "life {life}");
        mover.kill_and_restart();
    }
    assert_eq!(texts(&theirs).await.unwrap(), ["before", "one", "two", "after"]);
    world.end().await;
}
