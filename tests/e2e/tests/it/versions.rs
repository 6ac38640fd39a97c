//! What a later version of anything does to this one: nothing is lost and nothing is passed over in silence. Once the app is
//! updated, what was kept is read as if it had just come.

use curo::{Body, ConversationId, Entry, MessageId, PAGE_LIMIT, SessionState};
use curo_kit::{Person, TestRelay, until_text};
use curo_types::Blob;
use curo_types::api::ClientVersion;
use curo_types::format::Content;
use serde_json::{Value, json};

use crate::mitm::Victim;
use crate::team::{
    frozen, group, people, read, same_everywhere, send, until_active, until_frozen, until_holds, until_sent,
    until_texts,
};
use crate::{SOON, api, damage, logs};

/// The next opening is that of a build that understands more.
async fn update(person: &Person) {
    damage::change(person.dir(), |conn| {
        let updated = conn.execute("UPDATE knowledge SET build = '0.0.0/1'", []).unwrap();
        assert_eq!(updated, 1);
    })
    .await;
}

async fn until_session(person: &Person, wanted: SessionState) {
    until_holds(person, format!("{wanted:?}"), async || {
        let session = person.client().observe_session();
        session.next(0).await.unwrap().state == wanted
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p_versions_a_relay_that_serves_newer_clients_only_asks_for_an_update() {
    logs();
    let mut relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let id = group(&[&team[0], &team[1]]).await;
    send(&team[0], id, "before").await;
    same_everywhere(&[&team[0], &team[1]], id, 1).await;
    let next = ClientVersion {
        major: 999,
        ..ClientVersion::default()
    };
    relay.set_min_client_version(Some(next));
    relay.restart().await.unwrap();
    until_session(&team[0], SessionState::UpdateRequired).await;
    // What is there stays readable, and what is written waits.
    assert_eq!(read(&team[0], id).await, ["before"]);
    send(&team[0], id, "waits").await;
    let error = team[0].client().sign_in().await.unwrap_err();
    assert_eq!((error.code().as_str(), error.retryable()), ("update_required", false));
    let (status, problem) = api::call(&relay, &team[0], "/v1/devices", None).await;
    assert_eq!((status, problem["code"].as_str()), (426, Some("update_required")));

    // This very version will do. The app comes back, as an updated one does.
    relay.set_min_client_version(Some(env!("CARGO_PKG_VERSION").parse().unwrap()));
    relay.restart().await.unwrap();
    for person in &team {
        person.client().sign_in().await.unwrap();
        until_session(person, SessionState::Active).await;
    }
    same_everywhere(&[&team[0], &team[1]], id, 2).await;
}

/// Gives a message that waits to be sent another content.
async fn rewrite(person: &Person, message: MessageId, change: impl Fn(Content) -> Vec<u8> + Send + 'static) {
    damage::change(person.dir(), move |conn| {
        let sql = "SELECT payload FROM outbox WHERE intent = ?1";
        let payload: Vec<u8> = conn.query_row(sql, [message.0], |row| row.get(0)).unwrap();
        let content = change(Content::from_bytes(&payload).unwrap());
        let sql = "UPDATE outbox SET payload = ?2 WHERE intent = ?1";
        assert_eq!(conn.execute(sql, (message.0, content)).unwrap(), 1);
    })
    .await;
}

/// The content in version 2: the version is the first entry of the map.
fn version_2(content: Content) -> Vec<u8> {
    let mut bytes = content.to_bytes().unwrap();
    assert_eq!(bytes[1..3], [0, 1]);
    bytes[2] = 2;
    bytes
}

async fn bodies(person: &Person, id: ConversationId) -> Vec<Body> {
    let page = person.client().conversation(id).latest(PAGE_LIMIT).await.unwrap();
    let messages = page.items.into_iter().filter_map(|item| match item.entry {
        Entry::Message(message) => Some(message.body),
        _ => None,
    });
    messages.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_4_contents_of_a_later_version_are_kept_shown_as_unsupported_and_read_after_an_update() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut team = people(&relay, &["ana", "ben"]).await;
    let id = group(&[&team[0], &team[1]]).await;
    send(&team[1], id, "now").await; // 2
    same_everywhere(&[&team[0], &team[1]], id, 1).await;
    team[1].client().stop().await;
    let later = send(&team[1], id, "from tomorrow").await; // 3
    let vitals = send(&team[1], id, "vitals").await; // 4
    let about = team[1].client().conversation(id);
    let original = about.latest(3).await.unwrap().items[0].clone();
    let Entry::Message(now) = original.entry else {
        panic!("a message")
    };
    let edit = about.edit(now.reference(), "now, edited".into(), &[]).await.unwrap(); // 5
    team[1].close().await.unwrap();
    rewrite(&team[1], later, version_2).await;
    rewrite(&team[1], edit.into(), version_2).await;
    rewrite(&team[1], vitals, |content| {
        let other = Content::of_kind("org.example.vitals", content.message, vec![0xa0]);
        other.to_bytes().unwrap()
    })
    .await;
    team[1].open().await.unwrap();
    team[1].go_online().await.unwrap();
    until_sent(&team[1]).await;
    // An edit of what she cannot read yet, and a word that she can.
    let talk = team[1].client().conversation(id);
    let page = talk.latest(3).await.unwrap();
    let reference = page.items.iter().find_map(|item| match &item.entry {
        Entry::Message(message) if message.id == later => Some(message.reference()),
        _ => None,
    });
    talk.edit(reference.unwrap(), "from tomorrow, edited".into(), &[])
        .await
        .unwrap();
    send(&team[1], id, "last").await;
    let ana = &team[0];
    until_text(ana.client(), id, "last", SOON).await;
    let text = |text: &str| Body::Text(text.into());
    let all = [
        text("now"),
        Body::Unsupported,
        Body::Unsupported,
        Body::Unsupported,
        text("last"),
    ];
    assert_eq!(bodies(ana, id).await, all);
    let unread = ana.client().conversation(id).info().await.unwrap();
    assert_eq!(frozen(ana, id).await, None, "{unread:?}");

    // Updated: as if this build could read version 2. What it still does not know stays as it is.
    team[0].close().await.unwrap();
    damage::change(team[0].dir(), |conn| {
        let sql = "UPDATE item SET content = CAST(substr(content, 1, 2) || x'01' || substr(content, 4) AS BLOB) \
                   WHERE kind = 'message' AND substr(content, 3, 1) = x'02'";
        assert_eq!(conn.execute(sql, []).unwrap(), 2);
    })
    .await;
    update(&team[0]).await;
    team[0].open().await.unwrap();
    let ana = &team[0];
    let all = [
        text("now, edited"),
        text("from tomorrow, edited"),
        Body::Unsupported,
        text("last"),
    ];
    assert_eq!(bodies(ana, id).await, all);
    for (word, hits) in [("tomorrow", 1), ("edited", 2), ("last", 1)] {
        let found = ana.client().search(word, None, 20).await.unwrap();
        assert_eq!(found.hits.len(), hits, "{word}");
    }
    // Once more changes nothing.
    team[0].close().await.unwrap();
    update(&team[0]).await;
    team[0].open().await.unwrap();
    assert_eq!(bodies(&team[0], id).await, all);
    team[0].go_online().await.unwrap();
    send(&team[0], id, "thanks").await;
    until_text(team[1].client(), id, "thanks", SOON).await;
}

/// The envelope's body in version 2, as far as a reader of version 1 can tell.
fn envelope_of_version_2(envelope: &mut Value) {
    let mut bytes: Blob = serde_json::from_value(envelope.clone()).unwrap();
    let at = bytes.0.windows(3).position(|window| window == [0, 1, 1]).unwrap();
    bytes.0[at + 1] = 2;
    *envelope = serde_json::to_value(bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn p_versions_a_conversation_that_cannot_be_judged_waits_for_the_update_and_misses_nothing() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut ana = Victim::online(&relay, "ana").await;
    let others = people(&relay, &["ben", "cara"]).await;
    let id = group(&[&others[0], &ana.person]).await;
    let quiet = group(&[&others[0], &ana.person]).await;
    ana.mitm.after_relay(|call, reply| {
        if call.is("=/v1/directory") {
            for record in reply.value()["records"].as_array_mut().unwrap() {
                envelope_of_version_2(&mut record["envelope"]);
            }
        }
    });
    let talk = others[0].client().conversation(id);
    talk.add(&[others[1].user().await]).await.unwrap();
    until_active(&others[1], id).await;
    send(&others[1], id, "hello").await;
    until_frozen(&ana.person, id, "update_required").await;
    // The others are not blamed for it and go on, and so does everything else here.
    same_everywhere(&[&others[0], &others[1]], id, 1).await;
    assert_eq!(ana.mitm.exchanges("/reports").len(), 0);
    send(&others[0], quiet, "still here?").await;
    until_text(ana.client(), quiet, "still here?", SOON).await;
    let error = ana.client().conversation(id).rejoin().await.unwrap_err();
    assert_eq!(error.code().as_str(), "update_required");
    let waiting = send(&ana.person, id, "written before the update").await;
    ana.mitm.honest();

    // Opened by the same build it stays so; by another one it goes on where it was.
    ana.person.close().await.unwrap();
    ana.person.open().await.unwrap();
    assert_eq!(frozen(&ana.person, id).await.as_deref(), Some("update_required"));
    ana.person.close().await.unwrap();
    update(&ana.person).await;
    ana.person.open().await.unwrap();
    ana.person.go_online().await.unwrap();
    until_text(ana.client(), id, "hello", SOON).await;
    let all = same_everywhere(&[&others[0], &others[1], &ana.person], id, 2).await;
    assert_eq!(all, ["hello", "written before the update"]);
    let delivery = ana.client().conversation(id).delivery(waiting).await;
    assert!(delivery.is_ok(), "{delivery:?}");
    assert_eq!(
        api::commits(&api::log(&relay, &others[0], id).await),
        2,
        "nobody came from outside"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn p_versions_a_welcome_of_an_unknown_suite_leads_in_after_the_update() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut ana = Victim::online(&relay, "ana").await;
    let ben = Person::online(&relay, "ben").await.unwrap();
    ana.mitm.after_relay(|_, reply| {
        if let Some(inbox) = reply.value().get_mut("inbox") {
            for record in inbox.as_array_mut().unwrap() {
                record["item"]["suite"] = json!(0xf000);
            }
        }
    });
    let user = ana.person.user().await;
    let (talk, _) = ben.client().create_conversation(&[user]).await.unwrap();
    send(&ben, talk.id(), "hello").await;
    until_frozen(&ana.person, talk.id(), "update_required").await;
    ana.mitm.honest();
    ana.person.close().await.unwrap();
    update(&ana.person).await;
    ana.person.open().await.unwrap();
    ana.person.go_online().await.unwrap();
    until_active(&ana.person, talk.id()).await;
    send(&ana.person, talk.id(), "I am in").await;
    until_text(ben.client(), talk.id(), "I am in", SOON).await;
    assert_eq!(read(&ben, talk.id()).await, ["hello", "I am in"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_7_inbox_items_of_an_unknown_kind_are_kept_for_the_update() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut ana = Victim::online(&relay, "ana").await;
    let ben = Person::online(&relay, "ben").await.unwrap();
    ana.mitm.after_relay(|_, reply| {
        if let Some(inbox) = reply.value().get_mut("inbox") {
            for record in inbox.as_array_mut().unwrap() {
                record["item"]["kind"] = json!("welcome_of_tomorrow");
            }
        }
    });
    let user = ana.person.user().await;
    let (talk, _) = ben.client().create_conversation(&[user]).await.unwrap();
    send(&ben, talk.id(), "hello").await;
    until_sent(&ben).await;
    // It is dealt with: the relay need not keep it.
    ana.mitm
        .until(|one| one.path == "/v1/sync" && one.request["inbox_ack"].as_u64() > Some(0))
        .await;
    assert!(ana.client().conversations().await.unwrap().is_empty());
    ana.mitm.honest();
    ana.person.close().await.unwrap();
    damage::change(ana.person.dir(), |conn| {
        let sql = "UPDATE inbox_later SET item = CAST(replace(CAST(item AS TEXT), '_of_tomorrow', '') AS BLOB)";
        assert_eq!(conn.execute(sql, []).unwrap(), 1);
    })
    .await;
    update(&ana.person).await;
    ana.person.open().await.unwrap();
    ana.person.go_online().await.unwrap();
    until_texts(&ana.person, talk.id(), 1).await;
    send(&ana.person, talk.id(), "I am in").await;
    assert_eq!(
        same_everywhere(&[&ben, &ana.person], talk.id(), 2).await,
        ["hello", "I am in"]
    );
    let kept = std::sync::Arc::new(std::sync::Mutex::new(1));
    let found = kept.clone();
    ana.person.close().await.unwrap();
    damage::change(ana.person.dir(), move |conn| {
        let sql = "SELECT count(*) FROM inbox_later";
        *found.lock().unwrap() = conn.query_row(sql, [], |row| row.get(0)).unwrap();
    })
    .await;
    assert_eq!(*kept.lock().unwrap(), 0, "dealt with once");
}
