//! Everybody at once: messages, commits, creations. One order, nothing lost, nothing twice, no fork.

mod commits;
mod direct;
mod openers;
mod returning;
mod turns;

use curo::{ConversationId, MessageId};
use curo_kit::{Person, TestRelay};
use futures_util::future::join_all;

use crate::team::{group, in_order, people, same_everywhere, send};
use crate::{api, logs};

fn numbered(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix} {n:03}")).collect()
}

async fn send_all(person: &Person, id: ConversationId, prefix: &str, count: usize) -> Vec<MessageId> {
    let mut ids = Vec::new();
    for text in numbered(prefix, count) {
        ids.push(send(person, id, &text).await);
    }
    ids
}

async fn members(person: &Person, id: ConversationId) -> usize {
    person.client().conversation(id).info().await.unwrap().members.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_2_p5_3_all_talk_at_once_and_all_read_the_same() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let team = people(&relay, &["ana", "ben", "eve", "max"]).await;
    let team: Vec<_> = team.iter().collect();
    let id = group(&team).await;
    join_all(team.iter().map(|person| send_all(person, id, person.subject(), 20))).await;
    let all = same_everywhere(&team, id, 80).await;
    for person in &team {
        in_order(&all, numbered(person.subject(), 20), person.subject());
    }
    let log = api::log(&relay, team[0], id).await;
    assert_eq!((log.len(), api::commits(&log)), (81, 1));
}
