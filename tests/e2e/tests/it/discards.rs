//! Ciphertexts that are thrown away (rule 4.1): what was encrypted behind a refused message comes again in another epoch
//! only, which an update commit opens.

use std::sync::atomic::{AtomicUsize, Ordering};

use curo::DeliveryState;
use curo_kit::{Person, TestRelay, until_live};

use crate::mitm::{Reply, Victim};
use crate::team::{group, read, send, until_holds, until_sent, until_texts};
use crate::{api, logs};

#[tokio::test(flavor = "multi_thread")]
async fn p4_1_what_follows_a_refused_message_comes_again_in_another_epoch() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let ben = Person::online(&relay, "ben").await.unwrap();
    let id = group(&[&ana.person, &ben]).await;
    ana.client().stop().await;
    let texts = ["one", "two", "three"];
    let mut sent = Vec::new();
    for text in texts {
        sent.push(send(&ana.person, id, text).await);
    }
    // The relay refuses the first of the batch once; what it would have said to the others nobody knows.
    let batches = AtomicUsize::new(0);
    ana.mitm.before_relay(move |call| {
        let first = call.is("/messages") && batches.fetch_add(1, Ordering::SeqCst) == 0;
        first.then(|| Reply::problem("refused"))
    });
    ana.client().start().await.unwrap();
    until_live(ana.client(), crate::SOON).await;
    until_sent(&ana.person).await;
    let talk = ana.client().conversation(id);
    until_holds(&ana.person, "one has failed".into(), async || {
        matches!(
            talk.delivery(sent[0]).await.unwrap(),
            DeliveryState::Failed { retryable: false, .. }
        )
    })
    .await;
    until_texts(&ben, id, 2).await;
    assert_eq!(read(&ben, id).await, ["two", "three"]);
    let log = api::log(&relay, &ben, id).await;
    let epochs: Vec<_> = log.iter().map(|entry| (entry.kind.as_str(), entry.epoch)).collect();
    // The commit of epoch 0 added ben, whose log begins behind it.
    assert_eq!(epochs, [("commit", 1), ("message", 2), ("message", 2)]);

    // The failed one may be tried again, with the same id.
    talk.retry(sent[0].into()).await.unwrap();
    until_texts(&ben, id, 3).await;
    assert_eq!(read(&ben, id).await, ["two", "three", "one"]);
}
