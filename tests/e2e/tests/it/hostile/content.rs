//! A member that says what nobody may say: the relay sees ciphertext only, so every client is on its own. What it says is
//! contained in what it says: nobody else's message changes, and everybody goes on (rules 2.4, 4.6, 8.4).

use curo::{
    Body, ConversationId, DeviceId, Entry, Item, Message, MessageId, MessageRef, NewMessage, PAGE_LIMIT, Priority,
};
use curo_kit::{Person, TestRelay, until_text};
use curo_types::format::{Content, ContentBody, Reference};

use crate::team::{group, people, read, send, until_active, until_holds, until_sent};
use crate::{SOON, damage, logs};

/// Sends plaintexts of the test's from a person's device, each under the id of a message. The client that does it is the
/// real one; only what it found in its outbox was changed behind its back.
async fn says(person: &mut Person, id: ConversationId, plaintexts: Vec<(MessageId, Vec<u8>)>) {
    person.close().await.unwrap();
    person.open().await.unwrap();
    for (message, _) in &plaintexts {
        let talk = person.client().conversation(id);
        talk.send_text("put here by the test".into(), *message).await.unwrap();
    }
    person.close().await.unwrap();
    damage::change(person.dir(), move |conn| {
        for (message, plaintext) in plaintexts {
            let changed = conn
                .execute(
                    "UPDATE outbox SET payload = ?2 WHERE intent = ?1",
                    (message.0, plaintext),
                )
                .unwrap();
            assert_eq!(changed, 1);
        }
    })
    .await;
    person.open().await.unwrap();
    person.go_online().await.unwrap();
    until_sent(person).await;
}

/// Under its own id, as the format has it.
fn well_formed(body: &ContentBody) -> (MessageId, Vec<u8>) {
    let message = MessageId::random();
    (message, Content::of(message, body).unwrap().to_bytes().unwrap())
}

async fn device(person: &Person) -> DeviceId {
    person.account().await.unwrap().device
}

async fn urgent(person: &Person, id: ConversationId, text: &str) -> MessageRef {
    let message = NewMessage {
        priority: Priority::Urgent,
        ..NewMessage::text(text)
    };
    let talk = person.client().conversation(id);
    let message = talk.send(message, MessageId::random()).await.unwrap();
    let sender = device(person).await;
    MessageRef { sender, message }
}

async fn see(person: &Person, id: ConversationId, message: MessageRef) -> Message {
    let item = person
        .client()
        .conversation(id)
        .message(message)
        .await
        .unwrap()
        .unwrap();
    match item.entry {
        Entry::Message(message) => *message,
        other => panic!("{other:?}"),
    }
}

async fn all(person: &Person, id: ConversationId) -> Vec<Item> {
    let talk = person.client().conversation(id);
    let mut page = talk.latest(PAGE_LIMIT).await.unwrap();
    let mut items = page.items;
    while let Some(older) = page.older {
        page = talk.before(older, PAGE_LIMIT).await.unwrap();
        items.splice(0..0, page.items);
    }
    items
}

/// Both say something, and both hear it.
async fn go_on(one: &Person, other: &Person, id: ConversationId, word: &str) {
    for (from, to) in [(one, other), (other, one)] {
        let text = format!("{word} of {}", from.subject());
        send(from, id, &text).await;
        until_text(to.client(), id, &text, SOON).await;
        until_active(to, id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_4_what_others_said_is_not_a_members_to_change() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut team = people(&relay, &["ana", "mallory", "cleo"]).await;
    let id = group(&[&team[0], &team[1], &team[2]]).await;
    let first = urgent(&team[0], id, "potassium 6.8").await;
    let lunch = send(&team[0], id, "lunch at noon").await;
    let lunch = MessageRef {
        sender: first.sender,
        message: lunch,
    };
    until_text(team[1].client(), id, "lunch at noon", SOON).await;
    // Ana's app makes its ids in a way that can be guessed.
    let next = Reference {
        sender: first.sender,
        message: MessageId([7; 16]),
    };
    let own = send(&team[1], id, "honest so far").await;
    let own = Reference {
        sender: device(&team[1]).await,
        message: own,
    };

    let mut forged = vec![
        well_formed(&ContentBody::Edit {
            target: first,
            text: "all is well".into(),
            mentions: Vec::new(),
        }),
        well_formed(&ContentBody::Delete { target: first }),
        well_formed(&ContentBody::Delete { target: lunch }),
        well_formed(&ContentBody::Purged {
            targets: vec![first, lunch],
        }),
        // Routine messages and one's own are not acknowledged.
        well_formed(&ContentBody::Acknowledgement { target: lunch }),
        well_formed(&ContentBody::Acknowledgement { target: own }),
        well_formed(&ContentBody::Delete { target: next }),
    ];
    for n in 0..300 {
        let text = format!("guessed {n}").as_str().into();
        forged.push(well_formed(&ContentBody::Edit {
            target: next,
            text,
            mentions: Vec::new(),
        }));
    }
    for n in 0..100 {
        let emoji = format!("r{n}").as_str().into();
        forged.push(well_formed(&ContentBody::Reaction {
            target: lunch,
            emoji,
            set: true,
        }));
    }
    says(&mut team[1], id, forged).await;
    let talk = team[0].client().conversation(id);
    talk.send_text("the next one".into(), next.message).await.unwrap();
    send(&team[1], id, "the last of it").await;
    for person in [&team[0], &team[2]] {
        until_text(person.client(), id, "the last of it", SOON).await;
        until_text(person.client(), id, "the next one", SOON).await;
    }
    go_on(&team[0], &team[2], id, "unimpressed").await;
    team[2].reopen().await.unwrap();
    for person in [&team[0], &team[2]] {
        for (message, text) in [
            (first, "potassium 6.8"),
            (lunch, "lunch at noon"),
            (next, "the next one"),
        ] {
            let seen = see(person, id, message).await;
            assert_eq!((seen.body, seen.edited), (Body::Text(text.into()), false), "{text}");
            assert!(seen.acknowledged_by.is_empty(), "{text}");
            assert!(seen.reactions.len() <= 64, "{}", seen.reactions.len());
        }
        assert!(see(person, id, own).await.acknowledged_by.is_empty());
        assert_eq!(
            see(person, id, lunch).await.reactions.len(),
            64,
            "as many as are shown of one message"
        );
        for words in ["well", "guessed"] {
            assert!(
                person.client().search(words, None, 5).await.unwrap().hits.is_empty(),
                "{words}"
            );
        }
        assert_eq!(
            person.client().search("potassium", None, 5).await.unwrap().hits.len(),
            1
        );
    }
    assert_eq!(read(&team[0], id).await, read(&team[2], id).await);
}

/// Each is one row that cannot be read, or a message of the one who sent it.
#[tokio::test(flavor = "multi_thread")]
async fn p2_4_p4_6_contents_out_of_form_and_ids_of_others_harm_nobody_else() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut team = people(&relay, &["ana", "mallory", "cleo"]).await;
    let id = group(&[&team[0], &team[1], &team[2]]).await;
    let ana = device(&team[0]).await;
    let mallory = device(&team[1]).await;
    let hers = send(&team[0], id, "said by Ana").await;
    until_text(team[1].client(), id, "said by Ana", SOON).await;

    let text = |message, words: &str| Content::text(message, &words.into()).unwrap().to_bytes().unwrap();
    let whole = text(MessageId::random(), "whole");
    let reaction = |emoji: usize| {
        // {0: a text, 1: true}, longer than an emoji may be.
        let body = [&[0xa2, 0x00, 0x78, emoji as u8][..], &vec![b'e'; emoji], &[0x01, 0xf5]].concat();
        let mut content = Content::of_kind("reaction", MessageId::random(), body);
        content.references = Some(vec![Reference {
            sender: ana,
            message: hers,
        }]);
        content
    };
    let shapeless: Vec<Vec<u8>> = vec![
        Vec::new(),
        vec![0xff; 64],
        vec![0x00; 64],
        vec![0x81; 200_000],
        vec![0xa1; 200_000],
        vec![0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0xbb, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00],
        whole[..whole.len() - 1].to_vec(),
        [whole.as_slice(), b"and more"].concat(),
        vec![b'x'; Content::LIMIT - 64],
        // Somebody else's id inside, its own outside.
        text(hers, "not said by Ana"),
    ];
    let count = shapeless.len();
    let mut forged: Vec<_> = shapeless
        .into_iter()
        .map(|bytes| (MessageId::random(), bytes))
        .collect();
    // Ana's id, outside and inside: a message of another device all the same.
    forged.push((hers, text(hers, "an impostor")));
    let long = reaction(65);
    forged.push((long.message, long.to_bytes().unwrap()));
    let fancy = Content::of_kind("from-tomorrow", MessageId::random(), vec![0xff; 9]);
    forged.push((fancy.message, fancy.to_bytes().unwrap()));
    says(&mut team[1], id, forged).await;
    send(&team[1], id, "the last of it").await;
    for person in [&team[0], &team[2]] {
        until_text(person.client(), id, "the last of it", SOON).await;
    }
    go_on(&team[0], &team[2], id, "unharmed").await;
    team[2].reopen().await.unwrap();
    for person in [&team[0], &team[2]] {
        let seen = see(
            person,
            id,
            MessageRef {
                sender: ana,
                message: hers,
            },
        )
        .await;
        assert_eq!(seen.body, Body::Text("said by Ana".into()));
        assert!(seen.reactions.is_empty() && !seen.edited);
        let seen = see(
            person,
            id,
            MessageRef {
                sender: mallory,
                message: hers,
            },
        )
        .await;
        assert_eq!((seen.body, seen.own), (Body::Text("an impostor".into()), false));
        let items = all(person, id).await;
        let unreadable = |item: &&Item| matches!(&item.entry, Entry::Unreadable { sender, .. } if *sender == mallory);
        assert_eq!(items.iter().filter(unreadable).count(), count);
        let unsupported =
            |item: &&Item| matches!(&item.entry, Entry::Message(message) if message.body == Body::Unsupported);
        assert!(
            items.iter().any(|item| unsupported(&item)),
            "a kind from tomorrow is kept"
        );
        let texts = read(person, id).await;
        assert!(
            !texts.iter().any(|text| text == "not said by Ana" || text == "whole"),
            "{texts:?}"
        );
    }
    assert_eq!(read(&team[0], id).await, read(&team[2], id).await);
}

/// Who came later never had it, whatever they say about it.
#[tokio::test(flavor = "multi_thread")]
async fn p8_4_only_who_was_there_acknowledges_or_purges() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "cleo"]).await;
    let id = group(&[&team[0], &team[1]]).await;
    let urgently = urgent(&team[0], id, "potassium 6.8").await;
    let gone = urgent(&team[0], id, "wrong room").await;
    until_text(team[1].client(), id, "wrong room", SOON).await;
    let mut mallory = Person::online(&relay, "mallory").await.unwrap();
    let talk = team[0].client().conversation(id);
    talk.add(&[mallory.user().await]).await.unwrap();
    until_active(&mallory, id).await;
    talk.delete(gone).await.unwrap();
    let cleo = team[1].user().await;
    until_holds(&team[0], "Cleo's receipt".into(), async || {
        talk.purge(gone)
            .await
            .is_ok_and(|purge| purge.devices.iter().any(|(user, _)| *user == cleo))
    })
    .await;
    let forged = vec![
        well_formed(&ContentBody::Acknowledgement { target: urgently }),
        well_formed(&ContentBody::Purged { targets: vec![gone] }),
    ];
    says(&mut mallory, id, forged).await;
    send(&mallory, id, "the last of it").await;
    for person in &team {
        until_text(person.client(), id, "the last of it", SOON).await;
        assert!(see(person, id, urgently).await.acknowledged_by.is_empty());
        let purge = person.client().conversation(id).purge(gone).await.unwrap();
        assert!(purge.devices.iter().all(|(user, _)| *user == cleo), "{purge:?}");
    }
    // Who was there does, as ever.
    team[1].client().conversation(id).acknowledge(urgently).await.unwrap();
    until_holds(&team[0], "Cleo's note".into(), async || {
        see(&team[0], id, urgently).await.acknowledged_by == [cleo]
    })
    .await;
}
