//! Search through public APIs, over what came by the network.

use super::*;

fn found(page: &curo::SearchPage) -> Vec<&str> {
    page.hits.iter().map(|hit| hit.snippet.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_found_across_and_within_conversations_newest_first_by_what_they_say_now() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben"]).await;
    let [ana, ben] = &team[..] else { panic!() };
    let (ward, lab) = (group(&[ana, ben]).await, group(&[ana, ben]).await);
    let mut sent = Vec::new();
    for (id, text) in [
        (ward, "Kalium 4,1 heute früh"),
        (lab, "Kaliumspiegel morgen"),
        (ward, "血压升高,请复查"),
        (lab, "nichts"),
        (ward, "kalium: 6.8!"),
    ] {
        let message = reference(ana, send(ana, id, text).await).await;
        until_sees(ben, id, message, "it", |_| true).await;
        sent.push(message);
    }
    until_sent(ana).await;
    for person in [ana, ben] {
        let client = person.client();
        let all = client.search("KALIUM", None, 10).await.unwrap();
        assert_eq!(
            found(&all),
            ["kalium: 6.8!", "Kaliumspiegel morgen", "Kalium 4,1 heute früh"]
        );
        let hit = &all.hits[0];
        assert_eq!(
            (hit.conversation, hit.message, hit.sender),
            (ward, sent[4], Some(ana.user().await))
        );
        assert!(matches!(hit.highlights[..], [std::ops::Range { start: 0, end: 6 }]));
        assert!(hit.accepted_ms.is_some() && all.next.is_none());
        assert_eq!(
            client
                .conversation(lab)
                .search("kal", None, 10)
                .await
                .unwrap()
                .hits
                .len(),
            1
        );
        assert_eq!(
            found(&client.search("血压", None, 10).await.unwrap()),
            ["血压升高,请复查"]
        );
        assert_eq!(
            found(&client.search("fruh kalium", None, 10).await.unwrap()),
            ["Kalium 4,1 heute früh"]
        );
        // Page by page the same.
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let page = client.search("kalium", after, 1).await.unwrap();
            paged.extend(page.hits);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(paged, all.hits);
        for none in ["", " ", "\"", "*", "OR", "kalium natrium"] {
            assert_eq!(client.search(none, None, 10).await.unwrap().hits, [], "{none:?}");
        }
        assert_eq!(
            code(client.search(&"x".repeat(257), None, 10).await),
            ErrorCode::INVALID_ARGUMENT
        );
        assert_eq!(code(client.search("x", None, 0).await), ErrorCode::INVALID_ARGUMENT);
    }
    // The place of a hit is one of the timeline.
    let hit = ben.client().search("nichts", None, 1).await.unwrap().hits.remove(0);
    let around = ben.client().conversation(lab).before(hit.cursor, 10).await.unwrap();
    assert!(around.items.iter().all(|item| item.cursor < hit.cursor));

    ana.client()
        .conversation(ward)
        .edit(sent[4], "Natrium 140".into(), &[])
        .await
        .unwrap();
    ana.client().conversation(lab).delete(sent[1]).await.unwrap();
    for person in [ana, ben] {
        until_sees(person, ward, sent[4], "edited", |message| message.edited_ms.is_some()).await;
        until_sees(person, lab, sent[1], "deleted", |message| message.body == Body::Deleted).await;
        let client = person.client();
        assert_eq!(
            found(&client.search("kalium", None, 10).await.unwrap()),
            ["Kalium 4,1 heute früh"]
        );
        assert_eq!(found(&client.search("natr", None, 10).await.unwrap()), ["Natrium 140"]);
    }
    // Own unsent texts are found once the relay has accepted them.
    ana.cable().cut();
    send(ana, ward, "Chlorid 101").await;
    assert!(ana.client().search("chlorid", None, 10).await.unwrap().hits.is_empty());
    ana.cable().restore();
    until_sent(ana).await;
    assert_eq!(ana.client().search("chlorid", None, 10).await.unwrap().hits.len(), 1);
    ana.client().lock().await.unwrap();
    assert_eq!(code(ana.client().search("chlorid", None, 10).await), ErrorCode::LOCKED);
}
