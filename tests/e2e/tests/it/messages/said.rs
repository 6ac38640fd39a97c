//! Messages, and what others say about them.

use curo::ErrorCode;
use curo_kit::until_done;

use super::*;
use crate::SOON;

#[tokio::test(flavor = "multi_thread")]
async fn p8_4_edits_reactions_replies_and_threads_look_the_same_to_everybody() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "kim"]).await;
    let [ana, ben, kim] = &team[..] else { panic!() };
    let id = group(&[ana, ben, kim]).await;
    let ward = |person: &Person| person.client().conversation(id);
    let first = reference(ana, send(ana, id, "BP 118/76").await).await;
    until_texts(ben, id, 1).await;
    until_texts(kim, id, 1).await;

    let answer = NewMessage {
        reply_to: Some(first),
        thread: Some(first),
        mentions: vec![ana.user().await, kim.user().await],
        ..NewMessage::text("before or after the walk?")
    };
    let answer = reference(ben, ward(ben).send(answer, MessageId::random()).await.unwrap()).await;
    until_texts(ana, id, 2).await;
    ward(ana).edit(first, "BP 128/76".into(), &[]).await.unwrap();
    // Shown here at once.
    assert_eq!(text_of(ana, id, first).await.unwrap(), "BP 128/76");
    ward(ben).react(first, "👍").await.unwrap().unwrap();
    ward(kim).react(first, "👍").await.unwrap().unwrap();
    ward(kim).react(first, "🩺").await.unwrap().unwrap();
    assert!(ward(kim).react(first, "🩺").await.unwrap().is_none(), "it is set");
    ward(kim).unreact(first, "🩺").await.unwrap().unwrap();
    assert!(ward(kim).unreact(first, "🩺").await.unwrap().is_none(), "it is not");

    for person in &team {
        let done = |message: &Message| {
            let reactions: Vec<_> = message
                .reactions
                .iter()
                .map(|r| (r.emoji.as_str(), r.users.len()))
                .collect();
            message.edited_ms.is_some()
                && message.thread_count == 1
                && reactions == [("👍", 2)]
                && message.unsent_change.is_none()
        };
        until_sees(person, id, first, "edited, with a thread and two reactions", done).await;
        let first = alike(see(person, id, first).await.unwrap());
        let reply = alike(see(person, id, answer).await.unwrap());
        assert_eq!(first, alike(see(ana, id, first.reference()).await.unwrap()));
        assert_eq!(reply, alike(see(ana, id, answer).await.unwrap()));
        let quote = reply.reply_to.unwrap();
        assert_eq!(
            (quote.message, quote.sender, quote.text.unwrap().as_str(), quote.deleted),
            (first.reference(), Some(ana.user().await), "BP 128/76", false),
            "what it says now"
        );
        assert_eq!((reply.mentions.len(), reply.thread), (2, Some(first.reference())));
        let thread = ward(person).thread(first.reference(), 10).await.unwrap();
        assert_eq!((thread.items.len(), thread.older, thread.newer), (1, None, None));
    }
    assert!(see(kim, id, first).await.unwrap().reactions[0].own);
    assert!(!see(ana, id, first).await.unwrap().reactions[0].own);
    same_everywhere(&[ana, ben, kim], id, 2).await;

    // Not one's own, not there, not within the limits.
    assert_eq!(
        code(ward(ben).edit(first, "forged".into(), &[]).await),
        ErrorCode::FORBIDDEN
    );
    assert_eq!(code(ward(ben).delete(first).await), ErrorCode::FORBIDDEN);
    let nothing = reference(ana, MessageId::random()).await;
    assert_eq!(code(ward(ana).edit(nothing, "x".into(), &[]).await), ErrorCode::UNKNOWN);
    assert_eq!(code(ward(ana).react(nothing, "x").await), ErrorCode::UNKNOWN);
    for emoji in ["", &"x".repeat(65)] {
        assert_eq!(code(ward(ana).react(first, emoji).await), ErrorCode::INVALID_ARGUMENT);
    }
    assert_eq!(
        code(ward(ana).edit(first, "".into(), &[]).await),
        ErrorCode::INVALID_ARGUMENT
    );
    let everybody = NewMessage {
        mentions: vec![ana.user().await; 65],
        ..NewMessage::text("x")
    };
    assert_eq!(
        code(ward(ana).send(everybody, MessageId::random()).await),
        ErrorCode::INVALID_ARGUMENT
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_4_a_long_thread_is_read_in_pages_both_ways() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let id = group(&[&team[0], &team[1]]).await;
    let ward = team[0].client().conversation(id);
    let root = reference(&team[0], send(&team[0], id, "root").await).await;
    for n in 0..10 {
        send(&team[0], id, &format!("beside {n}")).await;
        let inside = NewMessage {
            thread: Some(root),
            ..NewMessage::text(format!("inside {n}"))
        };
        ward.send(inside, MessageId::random()).await.unwrap();
    }
    until_sent(&team[0]).await;
    until_texts(&team[1], id, 21).await;
    let there = team[1].client().conversation(id);
    let text = |item: &curo::Item| match &item.entry {
        Entry::Message(message) => match &message.body {
            Body::Text(text) => text.as_str().to_owned(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let mut back = Vec::new();
    let mut page = there.thread(root, 3).await.unwrap();
    loop {
        let mut part: Vec<_> = page.items.iter().map(text).collect();
        part.extend(back);
        back = part;
        match page.older {
            Some(older) => page = there.thread_before(root, older, 3).await.unwrap(),
            None => break,
        }
    }
    assert_eq!(back, (0..10).map(|n| format!("inside {n}")).collect::<Vec<_>>());
    let mut forth: Vec<_> = page.items.iter().map(text).collect();
    while let Some(newer) = page.newer {
        page = there.thread_after(root, newer, 4).await.unwrap();
        forth.extend(page.items.iter().map(text));
    }
    assert_eq!(forth, back);
    assert_eq!(see(&team[1], id, root).await.unwrap().thread_count, 10);
    assert_eq!(code(there.thread(root, 0).await), ErrorCode::INVALID_ARGUMENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn urgent_messages_are_acknowledged_and_the_sender_sees_by_whom() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "kim"]).await;
    let [ana, ben, kim] = &team[..] else { panic!() };
    let id = group(&[ana, ben, kim]).await;
    let ward = |person: &Person| person.client().conversation(id);
    let stat = NewMessage {
        priority: Priority::Stat,
        ..NewMessage::text("K+ 6.8")
    };
    let urgent = reference(ana, ward(ana).send(stat, MessageId::random()).await.unwrap()).await;
    let routine = reference(ana, send(ana, id, "later").await).await;
    until_texts(ben, id, 2).await;
    until_texts(kim, id, 2).await;
    assert_eq!(see(ben, id, urgent).await.unwrap().priority, Priority::Stat);
    assert!(ward(ben).acknowledge(urgent).await.unwrap().is_some());
    assert!(ward(ben).acknowledge(urgent).await.unwrap().is_none(), "once is enough");
    let bens = ben.user().await;
    until_sees(ana, id, urgent, "acknowledged by ben", |message| {
        message.acknowledged_by == [bens]
    })
    .await;
    ward(kim).acknowledge(urgent).await.unwrap().unwrap();
    let both = [bens, kim.user().await];
    for person in &team {
        until_sees(person, id, urgent, "acknowledged by both", |message| {
            message.acknowledged_by == both
        })
        .await;
    }
    let acknowledged = ward(ana).acknowledgements(urgent).await.unwrap();
    assert!(
        acknowledged.iter().map(|one| one.user).eq(both) && acknowledged[0].accepted_ms <= acknowledged[1].accepted_ms
    );
    for (person, message) in [(ben, routine), (ana, urgent)] {
        assert_eq!(
            code(ward(person).acknowledge(message).await),
            ErrorCode::INVALID_ARGUMENT
        );
    }
    assert!(ward(ana).acknowledgements(routine).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amendment_stands_beside_its_original() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let [ana, ben] = &team[..] else { panic!() };
    let id = group(&[ana, ben]).await;
    let original = reference(ana, send(ana, id, "right knee").await).await;
    until_texts(ben, id, 1).await;
    let ward = ben.client().conversation(id);
    let amendment = ward
        .amend(original, "left knee".into(), MessageId::random())
        .await
        .unwrap();
    let amendment = reference(ben, amendment).await;
    let amends = |message: &Message| matches!(&message.body, Body::Amendment { of, text } if *of == original && text.as_str() == "left knee");
    for person in &team {
        until_sees(person, id, amendment, "amendment", amends).await;
        assert_eq!(text_of(person, id, original).await.unwrap(), "right knee");
    }
    assert_eq!(
        code(ward.edit(amendment, "x".into(), &[]).await),
        ErrorCode::INVALID_ARGUMENT
    );
    assert_eq!(code(ward.delete(amendment).await), ErrorCode::INVALID_ARGUMENT);
    let nothing = reference(ana, MessageId::random()).await;
    assert_eq!(
        code(ward.amend(nothing, "x".into(), MessageId::random()).await),
        ErrorCode::UNKNOWN
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_4_a_newcomer_gets_changes_to_what_was_said_before_and_shows_none_of_them() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "kim"]).await;
    let [ana, ben, kim] = &team[..] else { panic!() };
    let id = group(&[ana, ben]).await;
    let ward = |person: &Person| person.client().conversation(id);
    let before = reference(ana, send(ana, id, "before").await).await;
    let gone = reference(ana, send(ana, id, "gone").await).await;
    until_texts(ben, id, 2).await;
    let added = ward(ana).add(&[kim.user().await]).await.unwrap();
    until_done(ana.client(), id, added, SOON).await;
    ward(ana).edit(before, "changed".into(), &[]).await.unwrap();
    ward(ana).delete(gone).await.unwrap();
    ward(ben).react(before, "👍").await.unwrap();
    let answer = NewMessage {
        reply_to: Some(before),
        ..NewMessage::text("answered")
    };
    let answer = reference(ben, ward(ben).send(answer, MessageId::random()).await.unwrap()).await;
    until_sees(kim, id, answer, "the answer", |_| true).await;
    for message in [before, gone] {
        assert!(see(kim, id, message).await.is_none());
    }
    let quote = see(kim, id, answer).await.unwrap().reply_to.unwrap();
    assert_eq!((quote.message, quote.sender, quote.text), (before, None, None));
    assert_eq!(ward(kim).unread().await.unwrap(), 1, "changes are no messages");
    // Ben purges it and says so. Kim never had it and says nothing: she is counted and missing.
    until_holds(ana, "purged by ben".into(), async || {
        ward(ana)
            .purge(gone)
            .await
            .is_ok_and(|purge| purge.by == 1 && purge.of == 2)
    })
    .await;
    assert_eq!(code(ward(kim).react(before, "x").await), ErrorCode::UNKNOWN);
}
