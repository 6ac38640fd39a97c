//! A relay that was restored knows of receipts what it is told again; who was away hears all of it.

use curo_kit::TestRelay;

use super::{delivered, read, reads, reference, until_stands};
use crate::logs;
use crate::team::{group, people, send, until_holds};

#[tokio::test(flavor = "multi_thread")]
async fn p7_2_p8_3_what_was_read_while_the_author_was_away_is_heard_from_a_restored_relay() {
    logs();
    let (mut relay, dir) = (TestRelay::start().await.unwrap(), tempfile::tempdir().unwrap());
    let team = people(&relay, &["ana", "ben", "cara"]).await;
    let (ana, ben, cara) = (&team[0], &team[1], &team[2]);
    let id = group(&[ana, ben, cara]).await;
    let first = send(ana, id, "K+ 6.8").await;
    until_stands(ana, id, first, delivered(2, 2)).await;
    let it = reference(ana, first).await;
    let backup = dir.path().join("monday");
    relay.back_up(&backup).await.unwrap();
    ana.client().stop().await;
    relay.restore(&backup).await.unwrap();
    reads(ben, id, it).await;
    let (theirs, bens) = (cara.client().conversation(id), ben.user().await);
    until_holds(cara, "ben has read it".into(), async || {
        let all = theirs.receipts(it).await.unwrap_or_default();
        all.iter().any(|person| person.user == bens && person.read)
    })
    .await;
    // Nobody says it a second time.
    ben.client().stop().await;
    cara.client().stop().await;
    ana.client().start().await.unwrap();
    until_stands(ana, id, first, read(1, 2)).await;
}
