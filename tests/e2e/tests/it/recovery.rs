//! A relay that was restored from a backup (rule 7.2): what it has lost comes back from its members.

mod accounts;
mod approved;

use curo::{ConversationId, ConversationState, DeliveryState, Entry};
use curo_kit::{Person, TestRelay, until_delivery, until_done, until_text};

use crate::child::{Mover, RelayProcess};
use crate::team::{group, people, read, same_everywhere, send, until_active, until_holds, until_sent, until_texts};
use crate::{SOON, api, logs};

/// A folder for backups.
struct Vaults(tempfile::TempDir);

impl Vaults {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn save(&self, relay: &TestRelay, name: &str) {
        relay.back_up(&self.0.path().join(name)).await.unwrap();
    }

    async fn restore(&self, relay: &mut TestRelay, name: &str) {
        relay.restore(&self.0.path().join(name)).await.unwrap();
    }
}

/// In which incarnation a person's conversation is, by what the timeline shows.
async fn incarnation(person: &Person, id: ConversationId) -> u64 {
    let newest = person.client().conversation(id).latest(100).await.unwrap();
    let numbers = newest.items.iter().filter_map(|item| match item.entry {
        Entry::Incarnation { number } => Some(number),
        _ => None,
    });
    numbers.max().unwrap_or(1)
}

async fn has_gap(person: &Person, id: ConversationId) -> bool {
    let newest = person.client().conversation(id).latest(100).await.unwrap();
    newest.items.iter().any(|item| matches!(item.entry, Entry::Gap { .. }))
}

/// Everybody hears everybody.
async fn talk(people: &[&Person], id: ConversationId, word: &str) {
    for (n, speaker) in people.iter().enumerate() {
        let text = format!("{word} {n}");
        let message = send(speaker, id, &text).await;
        for hearer in people {
            until_text(hearer.client(), id, &text, SOON).await;
        }
        let of = u32::try_from(people.len() - 1).unwrap();
        let heard = DeliveryState::Delivered { by: of, of };
        until_delivery(speaker.client(), id, message, heard, SOON).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_2_what_a_restored_relay_has_lost_comes_back_from_any_member() {
    logs();
    let (mut relay, vaults) = (TestRelay::start().await.unwrap(), Vaults::new());
    let team = people(&relay, &["ana", "ben", "cara"]).await;
    let everybody = [&team[0], &team[1], &team[2]];
    let id = group(&everybody).await;
    talk(&everybody, id, "before").await;
    vaults.save(&relay, "monday").await;
    // Lost: messages of all, a commit among them, and messages of the epoch that it opens.
    talk(&everybody, id, "lost").await;
    let renewed = team[1].client().conversation(id).renew_keys().await.unwrap();
    until_done(team[1].client(), id, renewed, SOON).await;
    talk(&everybody, id, "lost too").await;
    let log = api::log(&relay, &team[2], id).await;
    for person in everybody {
        person.client().stop().await;
    }
    let waiting = send(&team[0], id, "written meanwhile").await;
    vaults.restore(&mut relay, "monday").await;

    // One member is enough, even if it has lost nothing of its own.
    team[2].client().start().await.unwrap();
    until_active(&team[2], id).await;
    until_holds(&team[2], "the log".into(), async || {
        api::log(&relay, &team[2], id).await == log
    })
    .await;
    for person in &team[..2] {
        person.client().start().await.unwrap();
    }
    until_delivery(
        team[0].client(),
        id,
        waiting,
        DeliveryState::Delivered { by: 2, of: 2 },
        SOON,
    )
    .await;
    talk(&everybody, id, "after").await;
    let all = same_everywhere(&everybody, id, 13).await;
    assert_eq!(all[..3], ["before 0", "before 1", "before 2"]);
    assert_eq!(all[9], "written meanwhile");
    for person in everybody {
        assert_eq!(incarnation(person, id).await, 1);
        assert!(!has_gap(person, id).await);
    }
    // Somebody comes from outside with the GroupInfo that a member has brought, and a newcomer is added.
    let dora = Person::online(&relay, "dora").await.unwrap();
    let added = team[0]
        .client()
        .conversation(id)
        .add(&[dora.user().await])
        .await
        .unwrap();
    until_done(team[0].client(), id, added, SOON).await;
    until_active(&dora, id).await;
    talk(&[&team[0], &team[1], &team[2], &dora], id, "with dora").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_2_many_bring_back_what_each_has_and_nothing_is_doubled() {
    logs();
    let (mut relay, vaults) = (TestRelay::start().await.unwrap(), Vaults::new());
    let team = people(&relay, &["ana", "ben", "cara"]).await;
    let everybody = [&team[0], &team[1], &team[2]];
    let id = group(&everybody).await;
    talk(&everybody, id, "before").await;
    vaults.save(&relay, "monday").await;
    for n in 0..30 {
        send(everybody[n % 3], id, &format!("lost {n}")).await;
    }
    same_everywhere(&everybody, id, 33).await;
    // They stay online: all of them meet the restored relay at once.
    vaults.restore(&mut relay, "monday").await;
    for n in 0..6 {
        send(everybody[n % 3], id, &format!("after {n}")).await;
    }
    let all = same_everywhere(&everybody, id, 39).await;
    assert!(all[..33].iter().all(|text| !text.starts_with("after")), "{all:?}");
    for person in everybody {
        assert_eq!(incarnation(person, id).await, 1);
    }
    // Twice the same backup.
    vaults.restore(&mut relay, "monday").await;
    talk(&everybody, id, "again").await;
    same_everywhere(&everybody, id, 42).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_2_where_logs_have_parted_the_next_incarnation_has_everything_once() {
    logs();
    let (mut relay, vaults) = (TestRelay::start().await.unwrap(), Vaults::new());
    let team = people(&relay, &["ana", "ben", "cara"]).await;
    let everybody = [&team[0], &team[1], &team[2]];
    let id = group(&everybody).await;
    talk(&everybody, id, "before").await;
    // Cara knows nothing of what is lost.
    team[2].client().stop().await;
    vaults.save(&relay, "monday").await;
    send(&team[0], id, "lost by ana").await;
    send(&team[1], id, "lost by ben").await;
    same_everywhere(&[&team[0], &team[1]], id, 5).await;
    team[0].client().stop().await;
    team[1].client().stop().await;
    vaults.restore(&mut relay, "monday").await;
    // She goes on where the backup ends.
    team[2].client().start().await.unwrap();
    send(&team[2], id, "cara goes on").await;
    until_sent(&team[2]).await;
    team[0].client().start().await.unwrap();
    team[1].client().start().await.unwrap();
    for person in everybody {
        until_holds(person, "incarnation 2".into(), async || {
            incarnation(person, id).await == 2
        })
        .await;
        until_active(person, id).await;
    }
    for person in everybody {
        until_texts(person, id, 6).await;
        let mut all = read(person, id).await;
        all.sort();
        let wanted = [
            "before 0",
            "before 1",
            "before 2",
            "cara goes on",
            "lost by ana",
            "lost by ben",
        ];
        assert_eq!(all, wanted, "{person:?}");
    }
    talk(&everybody, id, "after").await;
    for person in everybody {
        assert_eq!(read(person, id).await.len(), 9);
        assert_eq!(person.client().conversation(id).info().await.unwrap().members.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_2_a_conversation_created_after_the_backup_comes_back_from_its_creator() {
    logs();
    let (mut relay, vaults) = (TestRelay::start().await.unwrap(), Vaults::new());
    let team = people(&relay, &["ana", "ben", "cara"]).await;
    let everybody = [&team[0], &team[1], &team[2]];
    vaults.save(&relay, "monday").await;
    let id = group(&everybody).await;
    talk(&everybody, id, "lost").await;
    for person in everybody {
        person.client().stop().await;
    }
    vaults.restore(&mut relay, "monday").await;
    team[0].client().start().await.unwrap();
    until_active(&team[0], id).await;
    team[1].client().start().await.unwrap();
    team[2].client().start().await.unwrap();
    talk(&everybody, id, "after").await;
    same_everywhere(&everybody, id, 6).await;
    for person in everybody {
        assert_eq!(incarnation(person, id).await, 1);
        assert!(!has_gap(person, id).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_2_a_conversation_that_its_creator_does_not_bring_back_goes_on_all_the_same() {
    logs();
    let (mut relay, vaults) = (TestRelay::start().await.unwrap(), Vaults::new());
    let team = people(&relay, &["ana", "ben", "cara"]).await;
    let everybody = [&team[0], &team[1], &team[2]];
    vaults.save(&relay, "monday").await;
    let id = group(&everybody).await;
    talk(&everybody, id, "lost").await;
    for person in everybody {
        person.client().stop().await;
    }
    vaults.restore(&mut relay, "monday").await;
    // Ana is away.
    team[1].client().start().await.unwrap();
    team[2].client().start().await.unwrap();
    for person in &team[1..] {
        until_holds(person, "incarnation 2".into(), async || {
            incarnation(person, id).await == 2
        })
        .await;
        until_active(person, id).await;
    }
    for (n, person) in team[1..].iter().enumerate() {
        send(person, id, &format!("without ana {n}")).await;
    }
    for person in &team[1..] {
        until_texts(person, id, 5).await;
    }
    team[0].client().start().await.unwrap();
    until_active(&team[0], id).await;
    talk(&everybody, id, "all").await;
    for person in everybody {
        let info = person.client().conversation(id).info().await.unwrap();
        assert_eq!((info.state, info.members.len()), (ConversationState::Active, 3));
        let mut all = read(person, id).await;
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!((all.len(), count), (8, 8), "{person:?}: {all:?}");
    }
}

/// Every step that a client takes when its relay has lost something.
#[tokio::test(flavor = "multi_thread")]
async fn p7_2_a_client_killed_at_each_step_of_it_goes_on() {
    logs();
    let (mut relay, vaults) = (TestRelay::start().await.unwrap(), Vaults::new());
    let points: Vec<_> = curo::failpoints::ALL
        .iter()
        .filter(|point| point.starts_with("client.recovery."))
        .collect();
    assert_eq!(points.len(), 7);
    for (n, point) in points.into_iter().enumerate() {
        let parts = point.ends_with("loss_proven");
        let ana = Person::online(&relay, &format!("ana-{n}")).await.unwrap();
        let mut mover = Mover::new(&relay, &format!("mover-{n}"), [((*point).to_owned(), 1)]);
        mover.begin();
        let (talk, _) = ana.client().create_conversation(&[mover.user]).await.unwrap();
        let id = talk.id();
        send(&ana, id, "before").await;
        mover.until_text(id, "before");
        if parts {
            // Ana knows nothing of what is lost, and writes first.
            ana.client().stop().await;
        }
        let name = format!("backup-{n}");
        vaults.save(&relay, &name).await;
        mover.send(id, "lost");
        mover.settled();
        if parts {
            mover.pause();
        } else {
            until_text(ana.client(), id, "lost", SOON).await;
            ana.client().stop().await;
        }
        vaults.restore(&mut relay, &name).await;
        if parts {
            ana.client().start().await.unwrap();
            send(&ana, id, "meanwhile").await;
            until_sent(&ana).await;
        }
        mover.send(id, "after");
        mover.settled();
        if !parts {
            ana.client().start().await.unwrap();
        }
        until_text(ana.client(), id, "after", SOON).await;
        send(&ana, id, "at last").await;
        mover.until_text(id, "at last");
        let mut all = mover.texts(id);
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(
            (all.len(), count),
            (4 + usize::from(parts), 4 + usize::from(parts)),
            "{point}: {all:?}"
        );
        assert_eq!(mover.deaths, 1, "{point}");
        ana.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_2_a_relay_killed_while_it_takes_entries_back_has_them_once() {
    logs();
    let (mut relay, vaults) = (TestRelay::start().await.unwrap(), Vaults::new());
    let team = people(&relay, &["ana", "ben"]).await;
    let everybody = [&team[0], &team[1]];
    let id = group(&everybody).await;
    talk(&everybody, id, "before").await;
    vaults.save(&relay, "monday").await;
    talk(&everybody, id, "lost").await;
    relay.restore_stopped(&vaults.0.path().join("monday")).await.unwrap();
    let plan = ["relay.replay.before_accept", "relay.replay.after_accept"].map(|point| (point.to_owned(), 1));
    let process = RelayProcess::start(&relay, plan, &[]);
    process.until_up().await;
    talk(&everybody, id, "after").await;
    same_everywhere(&everybody, id, 6).await;
    assert_eq!(process.deaths(), 2);
    for person in everybody {
        assert_eq!(incarnation(person, id).await, 1);
        person.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_2_a_long_tail_comes_back_over_several_requests_also_if_killed_between_them() {
    logs();
    let (mut relay, vaults) = (TestRelay::start().await.unwrap(), Vaults::new());
    let ana = Person::online(&relay, "ana").await.unwrap();
    let mut mover = Mover::new(&relay, "mover", [("client.recovery.replay_before_send".to_owned(), 2)]);
    mover.begin();
    let (talk, _) = ana.client().create_conversation(&[mover.user]).await.unwrap();
    let id = talk.id();
    send(&ana, id, "before").await;
    mover.until_text(id, "before");
    vaults.save(&relay, "monday").await;
    // Three requests' worth: one takes 5 MiB of bodies.
    let mut said = vec!["before".to_owned()];
    for n in 0..24 {
        let text = format!("{n} {}", "lost ".repeat(120 * 1024));
        send(&ana, id, &text).await;
        said.push(text);
        if n % 6 == 5 {
            // Each run of entries comes with a tip of its own.
            let renewed = ana.client().conversation(id).renew_keys().await.unwrap();
            until_done(ana.client(), id, renewed, SOON).await;
            mover.until_text(id, said.last().unwrap());
        }
    }
    let log = api::log(&relay, &ana, id).await;
    ana.client().stop().await;
    vaults.restore(&mut relay, "monday").await;
    mover.send(id, "after");
    mover.settled();
    assert_eq!(mover.deaths, 1);
    let now = api::log(&relay, &ana, id).await;
    assert_eq!(now[..log.len()], log);
    ana.client().start().await.unwrap();
    until_text(ana.client(), id, "after", SOON).await;
    said.push("after".to_owned());
    assert_eq!(read(&ana, id).await, said);
    assert_eq!(mover.texts(id), said);
    assert_eq!(incarnation(&ana, id).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_3_what_was_changed_of_a_conversation_is_changed_again_and_nothing_later_is_overwritten() {
    logs();
    let (mut relay, vaults) = (TestRelay::start().await.unwrap(), Vaults::new());
    let team = people(&relay, &["ana", "ben", "cara"]).await;
    let everybody = [&team[0], &team[1], &team[2]];
    let id = group(&everybody).await;
    talk(&everybody, id, "before").await;
    team[2].client().stop().await;
    vaults.save(&relay, "monday").await;
    let titled = async |person: &Person, title: &str| {
        let info = person.client().conversation(id).info().await.unwrap();
        info.title.is_some_and(|now| now.as_str() == title)
    };
    let patient = curo::Subject {
        system: "urn:mrn".into(),
        value: "4711".into(),
    };
    let (ana, ben) = (team[0].client().conversation(id), team[1].client().conversation(id));
    ana.bind_subject(patient.clone()).await.unwrap();
    ana.set_title("by ana".into()).await.unwrap();
    until_holds(&team[1], "a title".into(), async || titled(&team[1], "by ana").await).await;
    ben.set_title("by ben, later".into()).await.unwrap();
    until_holds(&team[0], "a title".into(), async || {
        titled(&team[0], "by ben, later").await
    })
    .await;
    team[0].client().stop().await;
    team[1].client().stop().await;
    vaults.restore(&mut relay, "monday").await;
    team[2].client().start().await.unwrap();
    send(&team[2], id, "cara goes on").await;
    until_sent(&team[2]).await;
    team[0].client().start().await.unwrap();
    team[1].client().start().await.unwrap();
    for person in everybody {
        until_holds(person, "incarnation 2".into(), async || {
            incarnation(person, id).await == 2
        })
        .await;
        until_active(person, id).await;
        until_holds(person, "the later title".into(), async || {
            titled(person, "by ben, later").await
        })
        .await;
        until_holds(person, "the patient".into(), async || {
            let info = person.client().conversation(id).info().await.unwrap();
            info.subjects == [patient.clone()]
        })
        .await;
    }
    talk(&everybody, id, "after").await;
    for person in everybody {
        until_sent(person).await;
        assert!(titled(person, "by ben, later").await, "{person:?}");
    }
}
