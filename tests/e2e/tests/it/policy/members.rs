//! Whom the tenant's policy wants in every conversation (rule 3.4): an archive, for example.

use curo::{ConversationId, ConversationState, Entry, IntentStatus, MessageId, PAGE_LIMIT, UserId};
use curo_kit::{Person, TestRelay, until_text};

use crate::mitm::Victim;
use crate::team::{group, people, read, same_everywhere, send, until_active, until_holds, until_sent, until_settled};
use crate::{SOON, logs};

async fn relay() -> TestRelay {
    logs();
    let relay = TestRelay::builder().tenant(|tenant| tenant.policy.mandatory_members = vec!["archive".into()]);
    relay.start().await.unwrap()
}

/// Who is in it, and who of them by the policy.
async fn roster(person: &Person, id: ConversationId) -> (Vec<UserId>, Vec<UserId>) {
    let info = person.client().conversation(id).info().await.unwrap();
    let wanted = info.roster.iter().filter(|member| member.mandatory);
    (info.members.clone(), wanted.map(|member| member.user).collect())
}

async fn until_in_it(person: &Person, id: ConversationId, user: UserId) {
    until_holds(person, "mandatory member".into(), async move || {
        roster(person, id).await.0.contains(&user)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_4_a_mandatory_member_is_in_every_conversation_and_stays() {
    let relay = relay().await;
    let team = people(&relay, &["archive", "ana", "ben"]).await;
    let [archive, ana, ben] = &team[..] else { unreachable!() };
    let kept = archive.user().await;
    // Neither names the archive.
    let care = group(&[ana, ben]).await;
    until_active(archive, care).await;
    let direct = ana.client().direct_conversation(ben.user().await).await.unwrap().id();
    send(ana, direct, "between us").await;
    until_text(ben.client(), direct, "between us", SOON).await;
    until_text(archive.client(), direct, "between us", SOON).await;
    let again = ben.client().direct_conversation(ana.user().await).await.unwrap();
    assert_eq!(again.id(), direct);
    send(ben, direct, "and the archive").await;
    for id in [care, direct] {
        for person in [ana, ben, archive] {
            let (members, wanted) = roster(person, id).await;
            assert_eq!((members.len(), wanted), (3, vec![kept]), "{person:?}");
        }
    }
    same_everywhere(&[ana, ben, archive], direct, 2).await;
    // A direct conversation has neither title nor roles, for the archive as little as for the two.
    for person in [ana, archive] {
        let refused = person.client().conversation(direct).set_title("x".into()).await;
        assert_eq!(refused.unwrap_err().code().as_str(), "not_allowed");
    }

    for id in [care, direct] {
        let refused = ana.client().conversation(id).remove(&[kept]).await.unwrap_err();
        assert!(
            ["mandatory_member", "not_direct"].contains(&refused.code().as_str()),
            "{refused}"
        );
        let refused = archive.client().conversation(id).leave().await.unwrap_err();
        assert_eq!(refused.code().as_str(), "mandatory_member");
    }
    send(ana, care, "all here").await;
    same_everywhere(&[ana, ben, archive], care, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_4_without_the_mandatory_member_nothing_is_created() {
    let relay = relay().await;
    let team = people(&relay, &["ana", "ben"]).await;
    let [ana, ben] = &team[..] else { unreachable!() };
    let (care, created) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
    let ended = until_settled(ana, care.id(), created).await;
    assert!(
        matches!(&ended, IntentStatus::Failed { code, .. } if code.as_str() == "no_device"),
        "{ended:?}"
    );
    // Once it has signed in, the same intent does it.
    let archive = Person::online(&relay, "archive").await.unwrap();
    care.retry(created).await.unwrap();
    for person in [ana, ben, &archive] {
        until_active(person, care.id()).await;
    }
}

/// A client that was told nothing learns it from the relay's refusal.
#[tokio::test(flavor = "multi_thread")]
async fn p3_4_the_relay_refuses_who_is_left_out_and_names_them() {
    let relay = relay().await;
    let archive = Person::online(&relay, "archive").await.unwrap();
    let ben = Person::online(&relay, "ben").await.unwrap();
    let ana = Victim::new(&relay, "ana").await;
    ana.mitm.after_relay(|call, reply| {
        if call.is("/session") || call.is("/sync") {
            reply.value().as_object_mut().unwrap().remove("policy");
        }
    });
    ana.person.go_online().await.unwrap();
    let id = group(&[&ana.person, &ben]).await;
    until_active(&archive, id).await;
    let refusals = ana.mitm.exchanges("/v1/conversations");
    let refused = refusals.iter().find(|exchange| exchange.status == 409).unwrap();
    assert_eq!(refused.answer["code"], "mandatory_member");
    assert_eq!(refused.answer["mandatory"][0], archive.user().await.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_4_a_tenant_gains_a_mandatory_member_and_everybody_gets_it_once() {
    logs();
    let mut relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "cho", "archive"]).await;
    let [ana, ben, cho, archive] = &team[..] else {
        unreachable!()
    };
    let kept = archive.user().await;
    let (busy, quiet) = (group(&[ana, ben, cho]).await, group(&[ben, cho]).await);
    let direct = ana.client().direct_conversation(ben.user().await).await.unwrap().id();
    send(ana, direct, "before").await;
    until_text(ben.client(), direct, "before", SOON).await;
    relay
        .change_tenant(|tenant| tenant.policy.mandatory_members = vec!["archive".into()])
        .await
        .unwrap();
    for person in &team {
        person.client().network_changed();
    }
    // Two send at once; nobody sends in the others.
    tokio::join!(send(ana, busy, "from ana"), send(ben, busy, "from ben"));
    for id in [busy, quiet, direct] {
        until_active(archive, id).await;
        until_in_it(ben, id, kept).await;
    }
    until_sent(ana).await;
    until_sent(ben).await;
    for person in [ana, ben, cho] {
        assert!(read(person, busy).await.len() <= 2);
        until_in_it(person, busy, kept).await;
        let page = person.client().conversation(busy).latest(PAGE_LIMIT).await.unwrap();
        let came = page
            .items
            .iter()
            .filter(|item| matches!(&item.entry, Entry::Members { added, .. } if added.contains(&kept)));
        assert_eq!(came.count(), 1, "{person:?}");
    }
    same_everywhere(&[ana, ben, cho], busy, 2).await;
    send(ben, direct, "after").await;
    until_text(archive.client(), direct, "after", SOON).await;

    // Wanted no more, it may be removed, and a direct conversation with it in it goes on.
    relay
        .change_tenant(|tenant| tenant.policy.mandatory_members.clear())
        .await
        .unwrap();
    for person in &team {
        person.client().network_changed();
    }
    until_holds(ana, "no policy".into(), async move || {
        roster(ana, busy).await.1.is_empty()
    })
    .await;
    let removed = ana.client().conversation(busy).remove(&[kept]).await.unwrap();
    assert_eq!(until_settled(ana, busy, removed).await, IntentStatus::Done);
    let sent = ana.client().conversation(direct);
    sent.send_text("still direct".into(), MessageId::random())
        .await
        .unwrap();
    until_text(ben.client(), direct, "still direct", SOON).await;
    assert_eq!(sent.info().await.unwrap().state, ConversationState::Active);
}
