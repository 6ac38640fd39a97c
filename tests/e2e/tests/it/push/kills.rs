//! Kills around pushes: at worst one comes late or twice, and a device that asked for them gets them.

use curo::ConversationId;
use curo_kit::{Person, TestRelay, until_text};

use super::Gateway;
use crate::child::{Mover, RelayProcess};
use crate::team::{group, send, until_sent};
use crate::{SOON, logs};

/// Sends until the relay has died so often, and is up again.
async fn until_died(relay: &RelayProcess, sender: &Person, id: ConversationId, times: usize) {
    let sending = async {
        while relay.deaths() < times {
            send(sender, id, &format!("until death {times}")).await;
            until_sent(sender).await;
        }
    };
    tokio::time::timeout(SOON, sending).await.unwrap();
    relay.until_died(times).await;
}

async fn registers(person: &Person, target: &str) {
    let registering = async { while person.client().register_push(target).await.is_err() {} };
    tokio::time::timeout(SOON, registering).await.unwrap();
}

/// A push is a hint: at worst one comes late or twice, and a device that asked for them gets them.
#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_dies_at_any_step_of_a_push_wakes_later() {
    logs();
    let mut gateway = Gateway::start(vec![200]).await;
    let mut relay = TestRelay::builder().push_gateway(&gateway.url).start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (ana, ben) = (ana.unwrap(), ben.unwrap());
    let id = group(&[&ben, &ana]).await;
    relay.stop().await;
    let points: Vec<_> = curo_relay::failpoints::ALL
        .iter()
        .filter(|point| point.starts_with("relay.push.") && !point.ends_with("_forget"))
        .map(|point| ((*point).to_owned(), 1))
        .collect();
    assert_eq!(points.len(), 4);
    let process = RelayProcess::start(&relay, points, &[]);
    process.until_up().await;
    registers(&ana, "phone-of-ana").await;
    process.until_died(2).await;
    ana.client().lock().await.unwrap();
    until_died(&process, &ben, id, 4).await;
    // The gateway had that one before the relay died; more come for what is said from now on.
    assert_eq!(gateway.next().await["target"], "phone-of-ana");
    gateway.woken(&ben, id, "phone-of-ana").await;
    // Nothing that was said depends on it.
    ana.client().unlock().await.unwrap();
    ana.client().start().await.unwrap();
    until_text(ana.client(), id, "until death 4", SOON).await;
    drop(process);
}

/// The gateway says that an installation is gone, and the relay dies before or after it has forgotten it.
#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_dies_while_it_forgets_an_installation_has_forgotten_it_or_hears_it_again() {
    logs();
    for (point, times) in [
        (curo_relay::failpoints::PUSH_BEFORE_FORGET, 2),
        (curo_relay::failpoints::PUSH_AFTER_FORGET, 1),
    ] {
        let mut gateway = Gateway::start(vec![410]).await;
        let mut relay = TestRelay::builder().push_gateway(&gateway.url).start().await.unwrap();
        let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
        let (ana, ben) = (ana.unwrap(), ben.unwrap());
        let id = group(&[&ben, &ana]).await;
        ana.client().register_push("old-phone").await.unwrap();
        ana.client().lock().await.unwrap();
        relay.stop().await;
        let process = RelayProcess::start(&relay, [(point.to_owned(), 1)], &[]);
        until_died(&process, &ben, id, 1).await;
        // Who was forgotten is asked for no more; who was not hears it once more, and then no more either.
        gateway.next().await;
        if times == 2 {
            gateway.woken(&ben, id, "old-phone").await;
        }
        ana.client().unlock().await.unwrap();
        registers(&ana, "new-phone").await;
        ana.client().lock().await.unwrap();
        let (push, _) = gateway.woken(&ben, id, "new-phone").await;
        assert_eq!(push["target"], "new-phone", "{point}");
        assert!(gateway.pushes.try_recv().is_err(), "{point}: the old one was forgotten");
        drop(process);
        ana.close().await.unwrap();
        ben.close().await.unwrap();
    }
}

/// The phone dies around the end of its pushes and then goes on with the same target: the relay is told again.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_killed_while_it_ends_its_pushes_gets_them_when_it_asks_again() {
    logs();
    for point in [
        curo::failpoints::PUSH_END_BEFORE_SEND,
        curo::failpoints::PUSH_END_AFTER_SEND,
    ] {
        let mut gateway = Gateway::start(vec![200]).await;
        let relay = TestRelay::builder().push_gateway(&gateway.url).start().await.unwrap();
        let ben = Person::online(&relay, "ben").await.unwrap();
        let mut phone = Mover::new(&relay, "ana", [(point.to_owned(), 1)]);
        phone.begin();
        let (ward, _) = ben.client().create_conversation(&[phone.user]).await.unwrap();
        send(&ben, ward.id(), "before").await;
        phone.until_text(ward.id(), "before");
        phone.register_push("phone-of-ana");
        phone.dies(&serde_json::json!({ "do": "unregister_push" }));
        // The app does what it does at every start.
        phone.register_push("phone-of-ana");
        phone.pause();
        gateway.woken(&ben, ward.id(), "phone-of-ana").await;
        // Ended whole, and made anew: the same.
        phone.unregister_push();
        phone.register_push("phone-of-ana");
        phone.pause();
        gateway.woken(&ben, ward.id(), "phone-of-ana").await;
        assert_eq!(phone.deaths, 1, "{point}");
    }
}
