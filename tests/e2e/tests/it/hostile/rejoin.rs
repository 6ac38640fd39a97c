//! Lies to somebody who comes back from outside: group state, commit and log (rules 3.6, 4.4, 7.4).

use std::collections::HashMap;

use curo::{ConversationId, Entry, PAGE_LIMIT};
use curo_kit::until_text;
use serde_json::{Value, json};

use super::{Stage, Tamper, entries, spoil, tamper};
use crate::mitm::Reply;
use crate::team::{read, send, until_active, until_frozen};
use crate::{SOON, damage};

impl Stage {
    /// Ana's groups cannot be read any more. Of each of these conversations she is told its lie in the answers to
    /// `call`, and has something to say.
    async fn damaged(&mut self, call: &'static str, lies: HashMap<ConversationId, Tamper>) {
        self.ana.person.close().await.unwrap();
        damage::groups(self.ana.person.dir()).await;
        let ids: Vec<_> = lies.keys().copied().collect();
        self.ana.mitm.after_relay(move |made, reply| {
            for (id, lie) in &lies {
                if made.path == format!("/v1/conversations/{id}/{call}") {
                    lie(reply.value());
                    if reply.value().is_null() {
                        *reply = Reply::problem("refused");
                    }
                }
            }
        });
        self.ana.person.open().await.unwrap();
        for id in ids {
            send(&self.ana.person, id, "nobody hears this").await;
        }
        self.ana.person.go_online().await.unwrap();
    }

    /// The lies end; she asks for another try, and is in.
    async fn comes_back(&mut self, id: ConversationId) {
        self.ana.mitm.honest();
        self.ana.client().conversation(id).rejoin().await.unwrap();
        until_active(&self.ana.person, id).await;
        until_text(self.ben.client(), id, "nobody hears this", SOON).await;
        send(&self.ben, id, "welcome back").await;
        until_text(self.ana.client(), id, "welcome back", SOON).await;
    }

    /// Each lie in a conversation of its own.
    async fn lied_to(&mut self, call: &'static str, mut lies: Vec<(&'static str, Tamper)>) {
        // A few at a time: each of them is tried again and again before it is given up.
        while !lies.is_empty() {
            let rest = lies.split_off(lies.len().min(4));
            self.lied_to_in(call, std::mem::replace(&mut lies, rest)).await;
        }
    }

    async fn lied_to_in(&mut self, call: &'static str, lies: Vec<(&'static str, Tamper)>) {
        let mut told = HashMap::new();
        let mut names = HashMap::new();
        for (name, lie) in lies {
            let id = self.conversation().await;
            names.insert(id, name);
            told.insert(id, lie);
        }
        self.damaged(call, told).await;
        for (id, name) in &names {
            until_frozen(&self.ana.person, *id, "rejoin_failed").await;
            assert_eq!(read(&self.ben, *id).await, Vec::<String>::new(), "{name}");
        }
        // The one in which nobody lies is mended at once.
        let mended = format!("mended {}", self.said);
        send(&self.ana.person, self.other, &mended).await;
        until_text(self.ben.client(), self.other, &mended, SOON).await;
        self.goes_on().await;
        for id in names.keys() {
            self.comes_back(*id).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_4_p3_6_group_state_that_lies_lets_nobody_in_and_nothing_out() {
    let mut stage = Stage::set().await;
    let lies = vec![
        ("GroupInfo", tamper(|answer| spoil(answer, "group_info"))),
        ("tree", tamper(|answer| spoil(answer, "tree"))),
        ("no tree", tamper(|answer| answer["tree"] = json!(""))),
        ("epoch", tamper(|answer| spoil(answer, "epoch"))),
        ("group", tamper(|answer| spoil(answer, "group"))),
        ("suite", tamper(|answer| answer["suite"] = json!(2))),
        ("incarnation", tamper(|answer| spoil(answer, "incarnation"))),
        ("tip", tamper(|answer| spoil(&mut answer["tip"], "seq"))),
        (
            "a version that is not there",
            tamper(|answer| answer["directory_version"] = json!(1_000_000)),
        ),
        ("nothing", tamper(|answer| *answer = json!({}))),
        ("a refusal", tamper(|answer| *answer = Value::Null)),
    ];
    stage.lied_to("group-info", lies).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_4_p4_3_an_answer_is_not_the_log() {
    let mut stage = Stage::set().await;
    // The commit is accepted, and the answer says something else about it.
    let lies = vec![
        ("another intent", tamper(|answer| spoil(answer, "intent"))),
        ("another place", tamper(|answer| spoil(answer, "seq"))),
        ("a place before the cursor", tamper(|answer| answer["seq"] = json!(1))),
        ("nothing", tamper(|answer| *answer = json!([]))),
    ];
    stage.lied_to("commits", lies).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_4_a_log_that_contradicts_the_cursor_is_not_passed_over() {
    let mut stage = Stage::set().await;
    let each = |member: &'static str| {
        tamper(move |run| {
            entries(run).iter_mut().for_each(|entry| spoil(entry, member));
        })
    };
    let lies = vec![
        ("h", each("h")),
        ("body", each("body")),
        ("sender", each("sender")),
        ("withheld", tamper(|run| run["entries"] = json!([]))),
        ("refused", tamper(|run| *run = Value::Null)),
    ];
    stage.lied_to("entries", lies).await;
    // What was accepted in the first try is what she came back by: one external commit each.
    let page = stage
        .ana
        .client()
        .conversation(stage.other)
        .latest(PAGE_LIMIT)
        .await
        .unwrap();
    assert!(!page.items.iter().any(|item| matches!(item.entry, Entry::Gap { .. })));
}
