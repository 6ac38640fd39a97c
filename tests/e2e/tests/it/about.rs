//! Title, subjects, roles and names: what members know of a conversation itself (rules 6.5 and 6.7).

use curo::{
    Client, ConversationId, ConversationInfo, CreateOptions, Entry, IntentStatus, PAGE_LIMIT, Role, StateChange,
    Subject,
};
use curo_kit::{Person, TestRelay, until_done};
use curo_store::Store;

use crate::SOON;
use crate::mitm::{Reply, Victim};
use crate::team::{
    frozen, group, people, same_everywhere, send, until_active, until_frozen, until_holds, until_sent, until_settled,
};

async fn info(person: &Person, id: ConversationId) -> ConversationInfo {
    person.client().conversation(id).info().await.unwrap()
}

async fn title(person: &Person, id: ConversationId) -> String {
    let title = info(person, id).await.title;
    title.map(curo::Text::into_string).unwrap_or_default()
}

async fn until_title(person: &Person, id: ConversationId, wanted: &str) {
    until_holds(person, format!("title {wanted}"), async || {
        title(person, id).await == wanted
    })
    .await;
}

async fn role(person: &Person, id: ConversationId, of: &Person) -> String {
    let user = of.user().await;
    let info = info(person, id).await;
    let member = info.roster.iter().find(|member| member.user == user);
    member.map(|member| member.role.to_string()).unwrap_or_default()
}

async fn until_role(person: &Person, id: ConversationId, of: &Person, wanted: &str) {
    until_holds(person, format!("role {wanted}"), async || {
        role(person, id, of).await == wanted
    })
    .await;
}

async fn name(person: &Person, id: ConversationId, of: &Person) -> Option<String> {
    let user = of.user().await;
    let info = info(person, id).await;
    let member = info.roster.into_iter().find(|member| member.user == user)?;
    member.name.map(curo::Text::into_string)
}

async fn changes(person: &Person, id: ConversationId) -> Vec<StateChange> {
    let page = person.client().conversation(id).latest(PAGE_LIMIT).await.unwrap();
    let changes = page.items.into_iter().filter_map(|item| match item.entry {
        Entry::About(change) => Some(change),
        _ => None,
    });
    changes.collect()
}

fn patient(value: &str) -> Subject {
    Subject {
        system: "urn:oid:1.2.36.146.595.217.0.1".into(),
        value: value.into(),
    }
}

fn code<T: std::fmt::Debug>(result: curo::Result<T>) -> String {
    result.unwrap_err().code().as_str().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_5_title_subjects_roles_and_names_reach_everybody_and_newcomers() {
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "carol"]).await;
    let [ana, ben, carol] = &team[..] else { panic!("three") };
    ana.client().set_display_name("Dr Ana".into()).await.unwrap();
    let options = CreateOptions {
        title: "Ward 4".into(),
        subjects: vec![patient("12345")],
    };
    let users = [ben.user().await];
    let (care, created) = ana.client().create_conversation_with(&users, options).await.unwrap();
    let id = care.id();
    assert_eq!(title(ana, id).await, "Ward 4", "at once for the creator");
    until_done(ana.client(), id, created, SOON).await;
    until_active(ben, id).await;
    until_title(ben, id, "Ward 4").await;
    assert_eq!(info(ben, id).await.subjects, [patient("12345")]);
    until_holds(ben, "name".into(), async || {
        name(ben, id, ana).await.as_deref() == Some("Dr Ana")
    })
    .await;
    ben.client().set_display_name("Ben".into()).await.unwrap();

    // Ben changes what it is about; both see who did.
    let theirs = ben.client().conversation(id);
    let retitled = theirs.set_title("Ward 4, bed 12".into()).await.unwrap();
    theirs.bind_subject(patient("777")).await.unwrap();
    theirs.unbind_subject(patient("12345")).await.unwrap();
    until_title(ana, id, "Ward 4, bed 12").await;
    until_holds(ana, "subjects".into(), async || {
        info(ana, id).await.subjects == [patient("777")]
    })
    .await;
    assert_eq!(until_settled(ben, id, retitled).await, IntentStatus::Done);
    until_sent(ben).await;
    for person in [ana, ben] {
        let changes = changes(person, id).await;
        let by_ben: Vec<_> = changes.iter().filter(|change| change.by == Some(users[0])).collect();
        assert_eq!(by_ben.len(), 3, "{changes:?}");
        assert_eq!(by_ben[0].title, Some("Ward 4, bed 12".into()));
        assert_eq!(
            (&by_ben[1].bound, &by_ben[2].unbound),
            (&vec![patient("777")], &vec![patient("12345")])
        );
    }

    // Whoever comes later knows all of it.
    let added = theirs.add(&[carol.user().await]).await.unwrap();
    until_done(ben.client(), id, added, SOON).await;
    until_active(carol, id).await;
    until_title(carol, id, "Ward 4, bed 12").await;
    assert_eq!(info(carol, id).await.subjects, [patient("777")]);
    assert_eq!(role(carol, id, ana).await, Role::ADMIN);
    assert_eq!(name(carol, id, ana).await.as_deref(), Some("Dr Ana"));
    assert_eq!(name(carol, id, ben).await.as_deref(), Some("Ben"));
    assert!(changes(carol, id).await.is_empty(), "what was before her is no news");
    carol.client().set_display_name("Carol".into()).await.unwrap();
    until_holds(ana, "name".into(), async || {
        name(ana, id, carol).await.as_deref() == Some("Carol")
    })
    .await;
    let found = ana.client().find_people(&["carol"]).await.unwrap();
    assert_eq!(found[0].name, Some("Carol".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_5_of_two_titles_at_once_everybody_has_the_same() {
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "carol"]).await;
    let all: Vec<_> = team.iter().collect();
    let id = group(&all).await;
    for person in &team {
        person.cable().cut();
    }
    for (n, person) in team.iter().enumerate() {
        let theirs = person.client().conversation(id);
        theirs.set_title(format!("title {n}").into()).await.unwrap();
        theirs.bind_subject(patient(&n.to_string())).await.unwrap();
        send(person, id, &format!("said {n}")).await;
    }
    for person in &team {
        person.cable().restore();
    }
    same_everywhere(&all, id, 3).await;
    let wanted = title(&team[0], id).await;
    assert!(wanted.starts_with("title "), "{wanted}");
    let three: Vec<_> = (0..3).map(|n| patient(&n.to_string())).collect();
    for person in &team {
        assert_eq!(title(person, id).await, wanted);
        assert_eq!(info(person, id).await.subjects, three, "{person:?}");
        assert_eq!(changes(person, id).await, changes(&team[0], id).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_7_roles_say_who_may_do_what() {
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "pat", "dan"]).await;
    let [ana, ben, pat, dan] = &team[..] else {
        panic!("four")
    };
    let id = group(&[ana, ben, pat]).await;
    let [ours, bens, pats] = [ana, ben, pat].map(|person| person.client().conversation(id));
    let users = [ben.user().await, pat.user().await, dan.user().await];
    assert_eq!(role(ana, id, ana).await, Role::ADMIN);
    assert_eq!(role(ben, id, ana).await, Role::ADMIN);
    assert_eq!(role(ben, id, ben).await, Role::MEMBER);

    // Members remove nobody and give no roles.
    assert_eq!(code(bens.remove(&users[1..2]).await), "not_allowed");
    assert_eq!(code(bens.set_role(users[0], Role::admin()).await), "not_allowed");
    // A role of the app's only talks, as soon as it is in force.
    let patient = Role::new("org.example.patient").unwrap();
    ours.set_role(users[1], patient.clone()).await.unwrap();
    for person in [ana, ben, pat] {
        until_role(person, id, pat, patient.as_str()).await;
    }
    until_holds(pat, "in force".into(), async || {
        pats.set_title("mine".into())
            .await
            .is_err_and(|error| error.code().as_str() == "not_allowed")
    })
    .await;
    assert_eq!(code(pats.add(&users[2..]).await), "not_allowed");
    send(pat, id, "I may still talk").await;

    // Another admin may remove.
    ours.set_role(users[0], Role::admin()).await.unwrap();
    let mut removed = None;
    until_holds(ben, "admin".into(), async || {
        removed = bens.remove(&users[1..2]).await.ok();
        removed.is_some()
    })
    .await;
    assert_eq!(until_settled(ben, id, removed.unwrap()).await, IntentStatus::Done);
    until_holds(ana, "two".into(), async || info(ana, id).await.members.len() == 2).await;
    assert_eq!(frozen(ana, id).await, None);

    // Who is not in it has no role; a direct conversation has neither title nor roles.
    assert_eq!(code(ours.set_role(users[2], Role::admin()).await), "unknown");
    assert!(Role::new("Nurse").is_none() && Role::new("").is_none());
    assert_eq!(code(ours.set_title("x".repeat(513).into()).await), "invalid_argument");
    let direct = ana.client().direct_conversation(users[0]).await.unwrap();
    until_active(ben, direct.id()).await;
    for person in [ana, ben] {
        let direct = person.client().conversation(direct.id());
        assert_eq!(code(direct.set_title("secret".into()).await), "not_allowed");
        assert_eq!(code(direct.set_role(users[0], Role::admin()).await), "not_allowed");
        assert!(
            info(person, direct.id())
                .await
                .roster
                .iter()
                .all(|member| member.role == Role::member())
        );
    }
}

/// A member whose client does not keep the rules: what it writes is ignored, what it commits stops the conversation.
#[tokio::test(flavor = "multi_thread")]
async fn p6_7_what_a_role_does_not_allow_is_ignored_or_freezes() {
    let relay = TestRelay::start().await.unwrap();
    let mut team = people(&relay, &["ana", "eve", "carol"]).await;
    let id = group(&team.iter().collect::<Vec<_>>()).await;
    let users = [team[0].user().await, team[1].user().await, team[2].user().await];
    make_believe(&mut team[1], id).await;
    let [ana, eve, carol] = &team[..] else { panic!("three") };
    let hers = eve.client().conversation(id);
    hers.set_role(users[1], Role::admin()).await.unwrap();
    send(eve, id, "I am admin now").await;
    same_everywhere(&[ana, eve, carol], id, 1).await;
    for person in [ana, carol] {
        assert_eq!(role(person, id, eve).await, Role::MEMBER);
        assert!(changes(person, id).await.is_empty());
        assert_eq!(frozen(person, id).await, None);
    }
    hers.remove(&users[2..]).await.unwrap();
    for person in [ana, carol] {
        until_frozen(person, id, "not_allowed").await;
    }
    assert_eq!(info(carol, id).await.members.len(), 3, "the commit was not merged");
}

/// Makes a client believe that its user is admin.
async fn make_believe(person: &mut Person, id: ConversationId) {
    let user = person.user().await;
    person.close().await.unwrap();
    let profile = person.client().profile();
    let store = Store::open(&person.profiles(), profile, &**person.vault())
        .await
        .unwrap();
    let lie = store.write::<_, curo_store::StoreError>(move |tx| {
        tx.execute(
            "INSERT INTO about_role (conversation, user, role, in_force) VALUES (?1, ?2, 'admin', 'admin')",
            (id.0, user.0),
        )?;
        Ok(())
    });
    lie.await.unwrap();
    store.suspend().await.unwrap();
    let client: &Client = person.open().await.unwrap();
    client.start().await.unwrap();
}

/// The adder's whole is durable with the commit: however it dies in between, newcomers get it.
#[tokio::test(flavor = "multi_thread")]
async fn p6_5_the_whole_survives_a_restart_between_commit_and_message() {
    let relay = TestRelay::start().await.unwrap();
    let mut ana = Victim::online(&relay, "ana").await;
    let ben = Person::online(&relay, "ben").await.unwrap();
    let carol = Person::online(&relay, "carol").await.unwrap();
    let id = group(&[&ana.person, &ben]).await;
    ana.client().conversation(id).set_title("Ward 4".into()).await.unwrap();
    until_title(&ben, id, "Ward 4").await;
    until_sent(&ana.person).await;
    // From now on no message of hers arrives.
    ana.mitm.before_relay(|call| call.is("/messages").then(Reply::lost));
    let added = ana.client().conversation(id).add(&[carol.user().await]).await.unwrap();
    until_done(ana.client(), id, added, SOON).await;
    until_active(&carol, id).await;
    assert_eq!(title(&carol, id).await, "");
    ana.person.close().await.unwrap();
    ana.mitm.honest();
    ana.person.open().await.unwrap().start().await.unwrap();
    until_title(&carol, id, "Ward 4").await;
    assert_eq!(role(&carol, id, &ana.person).await, Role::ADMIN);
}
