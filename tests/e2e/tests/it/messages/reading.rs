//! How far somebody has read, what is unread, drafts, mute.

use curo::{Text, Unread};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unread_is_counted_until_it_is_read_and_muted_conversations_stay_out_of_the_totals() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut team = people(&relay, &["ana", "ben"]).await;
    let ward = group(&[&team[0], &team[1]]).await;
    let lab = group(&[&team[0], &team[1]]).await;
    let mut sent = Vec::new();
    for n in 0..5 {
        sent.push(reference(&team[0], send(&team[0], ward, &format!("text {n}")).await).await);
    }
    send(&team[0], lab, "result").await;
    until_texts(&team[1], ward, 5).await;
    until_texts(&team[1], lab, 1).await;
    // Own messages do not count, nor do changes.
    let own = reference(&team[1], send(&team[1], ward, "own").await).await;
    team[0]
        .client()
        .conversation(ward)
        .edit(sent[4], "edited".into(), &[])
        .await
        .unwrap();
    until_sees(&team[1], ward, sent[4], "edited", |message| message.edited).await;

    let unread = async |person: &Person| {
        let client = person.client();
        let (ward, lab) = (
            client.conversation(ward).unread().await,
            client.conversation(lab).unread().await,
        );
        (ward.unwrap(), lab.unwrap(), client.unread().await.unwrap())
    };
    let total = |messages, conversations| Unread {
        messages,
        conversations,
    };
    assert_eq!(unread(&team[1]).await, (5, 1, total(6, 2)));
    let there = team[1].client().conversation(ward);
    there.mark_read(sent[2]).await.unwrap();
    there.mark_read(sent[0]).await.unwrap();
    assert_eq!(unread(&team[1]).await, (2, 1, total(3, 2)));
    there.mute().await.unwrap();
    assert!(there.is_muted().await.unwrap());
    assert_eq!(unread(&team[1]).await, (2, 1, total(1, 1)));

    // What is deleted is not unread any more. All of it outlives the process.
    team[0].client().conversation(ward).delete(sent[3]).await.unwrap();
    until_sees(&team[1], ward, sent[3], "deleted", |message| {
        message.body == Body::Deleted
    })
    .await;
    team[1].reopen().await.unwrap();
    assert_eq!(unread(&team[1]).await, (1, 1, total(1, 1)));
    let there = team[1].client().conversation(ward);
    there.unmute().await.unwrap();
    assert_eq!(unread(&team[1]).await, (1, 1, total(2, 2)));
    until_sent(&team[0]).await;
    there.mark_read(own).await.unwrap();
    team[1].client().start().await.unwrap();
    until_sent(&team[1]).await;
    there.mark_read(own).await.unwrap();
    assert_eq!(unread(&team[1]).await.0, 0);
    assert_eq!(unread(&team[0]).await.0, 1, "ben's");
    let nothing = reference(&team[0], MessageId::random()).await;
    assert_eq!(code(there.mark_read(nothing).await), ErrorCode::UNKNOWN);
    let nowhere = team[1].client().conversation(ConversationId::random());
    assert_eq!(code(nowhere.mute().await), ErrorCode::UNKNOWN);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_kept_until_it_is_forgotten() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut team = people(&relay, &["ana", "ben"]).await;
    let id = group(&[&team[0], &team[1]]).await;
    let ward = team[0].client().conversation(id);
    assert_eq!(ward.draft().await.unwrap(), None);
    ward.set_draft("BP 11".into()).await.unwrap();
    ward.set_draft("BP 118".into()).await.unwrap();
    team[0].reopen().await.unwrap();
    let ward = team[0].client().conversation(id);
    let draft = ward.draft().await.unwrap().unwrap();
    assert!(draft.text.as_str() == "BP 118" && draft.saved_ms > 0);
    assert!(!format!("{draft:?}").contains("118"));
    ward.set_draft(Text::default()).await.unwrap();
    assert_eq!(ward.draft().await.unwrap(), None);
    assert_eq!(
        code(ward.set_draft("x".repeat(2_000_000).into()).await),
        ErrorCode::TOO_LARGE
    );
    team[0].client().lock().await.unwrap();
    assert_eq!(code(ward.draft().await), ErrorCode::LOCKED);
}
