//! A device that was revoked, and that somebody wants back in: a member whose client is not ours, and a relay that helps.
//! Under its id nobody comes back (2.11): the honest relay takes no such commit, the honest member goes on with none.

use curo::{ConversationId, IntentStatus};
use curo_kit::{Person, TestRelay, until_done, until_text};
use curo_types::DeviceId;
use serde_json::{Value, json};

use crate::mitm::{Call, Reply, Victim};
use crate::team::{frozen, group, people, read, send, until_frozen, until_sent, until_settled};
use crate::{SOON, api, logs};

const CLAIM: &str = "/v1/key-packages/claim";
const DIRECTORY: &str = "/v1/directory";

/// Mallory has kept what the relay gave out for kai, whose only device was revoked and removed since.
struct Plot {
    relay: TestRelay,
    mallory: Victim,
    ana: Person,
    ben: Person,
    kai: Person,
    device: DeviceId,
    /// Of mallory, ana and ben.
    id: ConversationId,
    /// A claim with kai's KeyPackage, of the time when it was good.
    claim: Value,
    /// The directory's version before the revocation, and with it.
    before: u64,
    since: u64,
}

impl Plot {
    async fn laid() -> Self {
        logs();
        let relay = TestRelay::start().await.unwrap();
        let mallory = Victim::online(&relay, "mallory").await;
        let [ana, ben, kai] = people(&relay, &["ana", "ben", "kai"]).await.try_into().unwrap();
        let id = group(&[&mallory.person, &ana, &ben]).await;
        let ward = group(&[&ana, &ben, &kai]).await;
        let kept = json!({ "claim": "0e".repeat(16), "suites": [1], "users": [kai.user().await] });
        let (status, claim) = api::call(&relay, &mallory.person, CLAIM, Some(&kept)).await;
        assert_eq!((status, claim["claims"].as_array().unwrap().len()), (200, 1), "{claim}");
        let before = claim["directory_version"].as_u64().unwrap();

        let device = kai.account().await.unwrap().device;
        kai.client().revoke_device(device).await.unwrap();
        // Ana and Ben learn of it: the next sender removes the leaf, and names the revocation for that.
        send(&ana, ward, "kai's phone is lost").await;
        until_sent(&ana).await;
        let gone = kai.user().await;
        for person in [&ana, &ben] {
            until_text(person.client(), ward, "kai's phone is lost", SOON).await;
            let info = person.client().conversation(ward).info().await.unwrap();
            assert!(!info.members.contains(&gone), "{person:?}");
        }
        let asked = json!({ "users": [gone] });
        let (_, directory) = api::call(&relay, &ana, DIRECTORY, Some(&asked)).await;
        let since = directory["records"][1]["version"].as_u64().unwrap();
        assert!(before < since, "{directory}");
        Self {
            relay,
            mallory,
            ana,
            ben,
            kai,
            device,
            id,
            claim,
            before,
            since,
        }
    }

    /// Mallory's client is told that kai's device is active, and adds it by the KeyPackage that was kept; what its commits name
    /// is `version` of the directory.
    fn lie(&self, version: u64) {
        let (mut claim, since) = (self.claim.clone(), self.since);
        claim["directory_version"] = json!(version);
        self.mallory.mitm.after_relay(move |call, reply| {
            if call.is(CLAIM) {
                *reply.value() = claim.clone();
            }
            if call.is(DIRECTORY) {
                let records = reply.value()["records"].as_array_mut().unwrap();
                records.retain(|record| record["version"] != json!(since));
            }
        });
    }

    /// What the relay said to each of mallory's commits.
    fn answers(&self) -> Vec<(u16, Value)> {
        let tries = self.mallory.mitm.exchanges(&format!("{}/commits", self.id));
        tries
            .into_iter()
            .map(|one| (one.status, one.answer["code"].clone()))
            .collect()
    }

    async fn nobody_came(&self) {
        let gone = self.kai.user().await;
        send(&self.ben, self.id, "nobody came").await;
        until_text(self.ana.client(), self.id, "nobody came", SOON).await;
        for person in [&self.ana, &self.ben] {
            let info = person.client().conversation(self.id).info().await.unwrap();
            assert_eq!(
                (info.members.len(), info.members.contains(&gone)),
                (3, false),
                "{person:?}"
            );
            assert_eq!(frozen(person, self.id).await, None);
        }
        assert!(!read(&self.kai, self.id).await.contains(&"nobody came".to_owned()));
    }
}

/// A commit that names the directory of before the revocation is out of date, one that names today's adds nobody who is not in it.
#[tokio::test(flavor = "multi_thread")]
async fn p3_6_p2_11_the_relay_takes_no_revoked_device_from_a_member() {
    let plot = Plot::laid().await;
    let kai = plot.kai.user().await;
    let talk = plot.mallory.client().conversation(plot.id);
    let tried = plot.answers().len();

    plot.lie(plot.before);
    let added = talk.add(&[kai]).await.unwrap();
    plot.mallory.mitm.until_more(&format!("{}/commits", plot.id), 2).await;
    assert_eq!(talk.intent(added).await.unwrap(), IntentStatus::Pending);
    let answers = plot.answers().split_off(tried);
    assert!(
        answers.iter().all(|one| *one == (409, json!("directory_changed"))),
        "{answers:?}"
    );
    plot.nobody_came().await;

    // The same again, in the name of the directory as it is.
    plot.lie(plot.since);
    let ended = until_settled(&plot.mallory.person, plot.id, added).await;
    let IntentStatus::Failed { code, retryable: false } = &ended else {
        panic!("{ended:?}")
    };
    assert_eq!(code.as_str(), "refused");
    assert_eq!(plot.answers().last(), Some(&(422, json!("refused"))));
    plot.nobody_came().await;

    // Nothing of it is left when the lie ends: there is nobody to add, and the conversation goes on for mallory, too.
    plot.mallory.mitm.honest();
    talk.retry(added).await.unwrap();
    let ended = until_settled(&plot.mallory.person, plot.id, added).await;
    assert!(
        matches!(&ended, IntentStatus::Failed { code, .. } if code.as_str() == "no_device"),
        "{ended:?}"
    );
    send(&plot.mallory.person, plot.id, "well").await;
    until_text(plot.ben.client(), plot.id, "well", SOON).await;
}

/// The relay helps: it has put the device back to active without any envelope that says so, and takes the commit. Who has
/// seen the revocation freezes the conversation and sends nothing that the device could read.
#[tokio::test(flavor = "multi_thread")]
async fn p3_6_p2_11_members_refuse_a_revoked_device_that_a_relay_lets_in() {
    let mut plot = Plot::laid().await;
    let kai = plot.kai.user().await;
    plot.relay.stop().await;
    bring_back(&plot.relay, plot.device);
    plot.relay.start_again().await.unwrap();

    plot.lie(plot.since);
    // Two who report it end the incarnation (3.9). Whoever wants to read on with that phone opens no other one.
    let opening = |call: &mut Call| call.is("=/v1/conversations").then(|| Reply::problem("unavailable"));
    plot.mallory.mitm.before_relay(opening);
    let talk = plot.mallory.client().conversation(plot.id);
    let added = talk.add(&[kai]).await.unwrap();
    until_done(plot.mallory.client(), plot.id, added, SOON).await;
    let taken = format!("{}/commits", plot.id);
    plot.mallory
        .mitm
        .until(|one| one.path.contains(&taken) && one.status == 200)
        .await;

    for person in [&plot.ana, &plot.ben] {
        until_frozen(person, plot.id, "key_mismatch").await;
        send(
            person,
            plot.id,
            &format!("not for that phone, says {}", person.subject()),
        )
        .await;
    }
    // Elsewhere they go on, and what could be sent has been sent by then.
    let other = group(&[&plot.ana, &plot.ben]).await;
    for (from, to) in [(&plot.ana, &plot.ben), (&plot.ben, &plot.ana)] {
        let text = format!("elsewhere, {}", from.subject());
        send(from, other, &text).await;
        until_text(to.client(), other, &text, SOON).await;
    }
    let seen = api::log(&plot.relay, &plot.mallory.person, plot.id).await;
    let (ana, ben) = (plot.ana.account().await.unwrap(), plot.ben.account().await.unwrap());
    let last = seen.iter().rposition(|entry| entry.intent == added).unwrap();
    let after: Vec<_> = seen[last..].iter().map(|entry| entry.sender).collect();
    assert!(
        after.iter().all(|by| *by != ana.device && *by != ben.device),
        "{after:?}"
    );
    assert_eq!(
        plot.ana.client().outbox().await.unwrap().waiting,
        1,
        "what was written is still there"
    );
}

/// Makes a stopped relay think that a device was never revoked; the directory's envelopes stay as they are.
#[allow(
    clippy::disallowed_methods,
    reason = "what no program of ours does: a hostile operator looks into the database"
)]
fn bring_back(relay: &TestRelay, device: DeviceId) {
    let key = std::fs::read_to_string(relay.dir().join("database.key")).unwrap();
    let database = rusqlite::Connection::open(relay.data_dir().join("relay.db")).unwrap();
    database
        .execute_batch(&format!(
            "PRAGMA key = \"x'{}'\"; PRAGMA cipher_plaintext_header_size = 32;",
            key.trim()
        ))
        .unwrap();
    let changed = database
        .execute(
            "UPDATE device SET active = 1 WHERE device = ?1 AND active = 0",
            [device.0],
        )
        .unwrap();
    let keys = database
        .execute("UPDATE device_key SET current = 1 WHERE device = ?1", [device.0])
        .unwrap();
    assert!(changed == 1 && keys >= 1, "{changed} devices, {keys} keys");
}
