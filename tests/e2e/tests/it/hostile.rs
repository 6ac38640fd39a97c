//! A relay that lies (or somebody in its place): it rewrites, withholds, reorders, replays and makes things up. Nothing of
//! it is accepted, one conversation stops at most, the others go on, and what can be mended is when it stops.

mod answers;
mod content;
mod directory;
mod leaving;
mod log;
mod news;
mod rejoin;
mod revoked;
mod welcome;

use std::sync::Arc;
use std::time::Duration;

use curo::ConversationId;
use curo_kit::{Person, TestRelay, until_text};
use serde_json::{Value, json};

use crate::mitm::{Call, Reply, Victim};
use crate::team::{group, send};
use crate::{SOON, logs};

/// Ana, whose relay lies, and Ben, whose relay does not.
struct Stage {
    relay: TestRelay,
    ana: Victim,
    ben: Person,
    /// In which nobody lies.
    other: ConversationId,
    said: usize,
}

impl Stage {
    async fn set() -> Self {
        logs();
        let relay = TestRelay::builder()
            .limits(|limits| limits.heartbeat = Duration::from_millis(300))
            .start();
        let relay = relay.await.unwrap();
        let ana = Victim::online(&relay, "ana").await;
        let ben = Person::online(&relay, "ben").await.unwrap();
        let other = group(&[&ben, &ana.person]).await;
        Self {
            relay,
            ana,
            ben,
            other,
            said: 0,
        }
    }

    async fn conversation(&self) -> ConversationId {
        group(&[&self.ben, &self.ana.person]).await
    }

    /// The honest conversation goes on, both ways.
    async fn goes_on(&mut self) {
        self.said += 1;
        let (question, answer) = (format!("question {}", self.said), format!("answer {}", self.said));
        send(&self.ben, self.other, &question).await;
        until_text(self.ana.client(), self.other, &question, SOON).await;
        send(&self.ana.person, self.other, &answer).await;
        until_text(self.ben.client(), self.other, &answer, SOON).await;
    }
}

/// A list that is absent where it is empty.
fn list<'v>(value: &'v mut Value, member: &str) -> impl Iterator<Item = &'v mut Value> {
    value
        .get_mut(member)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

/// Each run of entries of a conversation in an answer or event, with its tip.
fn runs(call: &Call, reply: &mut Reply, id: ConversationId, tamper: impl Fn(&mut Value)) {
    let (id, reply) = (id.to_string(), reply.value());
    if call.path == format!("/v1/conversations/{id}/entries") {
        tamper(reply);
    }
    for news in list(reply, "conversations") {
        if news["conversation"] == id.as_str() {
            // Absent where empty.
            if news["entries"].is_null() {
                news["entries"] = json!([]);
            }
            tamper(news);
        }
    }
}

/// Another value of the same shape.
fn other_than(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let mut bytes = text.clone().into_bytes();
            let middle = bytes.len() / 2;
            bytes[middle] = if bytes[middle] == b'a' { b'b' } else { b'a' };
            json!(String::from_utf8(bytes).unwrap())
        }
        Value::Number(number) => json!(number.as_u64().unwrap() + 1),
        Value::Null => json!(1),
        other => panic!("{other}"),
    }
}

fn spoil(object: &mut Value, member: &str) {
    object[member] = other_than(&object[member]);
}

type Tamper = Arc<dyn Fn(&mut Value) + Send + Sync>;

fn tamper(f: impl Fn(&mut Value) + Send + Sync + 'static) -> Tamper {
    Arc::new(f)
}

fn entries(run: &mut Value) -> &mut Vec<Value> {
    run["entries"].as_array_mut().unwrap()
}
