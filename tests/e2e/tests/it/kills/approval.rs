//! Kills around the approval of a later device (2.11): on the phone that decides, on the tablet that asks, and at the relay.

use curo::{ErrorCode, SessionState, UserId};
use curo_kit::{KitError, Person, TestRelay, until_live, until_text};
use serde_json::json;

use crate::child::{Mover, RelayProcess};
use crate::team::{group, send, until_active, until_holds};
use crate::{SOON, api, logs};

async fn relay() -> TestRelay {
    logs();
    let relay = TestRelay::builder().tenant(|tenant| tenant.policy.device_approval = true);
    relay.start().await.unwrap()
}

/// How many envelopes the directory has of a user's devices.
async fn envelopes(relay: &TestRelay, asker: &Person, user: UserId) -> usize {
    let (status, answer) = api::call(relay, asker, "/v1/directory", Some(&json!({ "users": [user] }))).await;
    assert_eq!(status, 200, "{answer}");
    answer["records"].as_array().unwrap().len()
}

/// The phone dies while it approves, or refuses. Either way it decides once, and the tablet hears of it.
#[tokio::test(flavor = "multi_thread")]
async fn p2_11_a_phone_killed_while_it_decides_has_decided_or_decides_again() {
    let relay = relay().await;
    let ben = Person::online(&relay, "ben").await.unwrap();
    let points = [
        curo::failpoints::APPROVAL_BEFORE_SEND,
        curo::failpoints::APPROVAL_AFTER_SEND,
    ];
    let cases = points.into_iter().flat_map(|point| [(point, true), (point, false)]);
    for (n, (point, approve)) in cases.enumerate() {
        let subject = format!("ana-{n}");
        let mut phone = Mover::new(&relay, &subject, [(point.to_owned(), 1)]);
        phone.begin();
        let (ward, _) = ben.client().create_conversation(&[phone.user]).await.unwrap();
        send(&ben, ward.id(), "to the phone").await;
        phone.until_text(ward.id(), "to the phone");
        let tablet = Person::new(&relay, &subject).await.unwrap();
        let asked = tablet.client().sign_in().await.unwrap_err();
        assert_eq!(*asked.code(), ErrorCode::APPROVAL_PENDING);

        phone.decides(approve);
        assert_eq!(phone.deaths, 1, "{point}");
        let told = tokio::time::timeout(SOON, tablet.client().wait_for_approval())
            .await
            .unwrap();
        if approve {
            told.unwrap();
            tablet.client().start().await.unwrap();
            until_live(tablet.client(), SOON).await;
            // It comes in as every later device does, and hears what is said from then on.
            until_active(&tablet, ward.id()).await;
            send(&ben, ward.id(), "to both").await;
            phone.until_text(ward.id(), "to both");
            until_text(tablet.client(), ward.id(), "to both", SOON).await;
        } else {
            assert_eq!(*told.unwrap_err().code(), ErrorCode::DEVICE_REVOKED, "{point}");
            assert_eq!(tablet.client().session(), SessionState::Revoked);
        }
        let known = envelopes(&relay, &ben, phone.user).await;
        assert_eq!(known, 1 + usize::from(approve), "{point}");
        assert_eq!(phone.settled(), 0, "{point}");
    }
}

/// The tablet dies while it asks: it is the same device in its next life, and shows the same code.
#[tokio::test(flavor = "multi_thread")]
async fn p2_11_a_tablet_killed_while_it_asks_goes_on_asking_for_the_same() {
    let relay = relay().await;
    let points = [
        curo::failpoints::REGISTER_BEFORE_SEND,
        curo::failpoints::REGISTER_AFTER_SEND,
    ];
    for (n, point) in points.into_iter().enumerate() {
        let phone = Person::online(&relay, &format!("ana-{n}")).await.unwrap();
        // It dies when it asks first, and in its next life when it asks again.
        let plan = [(point.to_owned(), 1), (point.to_owned(), 2)];
        let mut tablet = Mover::new(&relay, phone.subject(), plan);
        let code = tablet.asks_to_come_in().expect("it waits");
        assert_eq!(tablet.deaths, 1, "{point}");
        assert_eq!(tablet.asks_to_come_in().as_ref(), Some(&code), "{point}");
        assert_eq!(tablet.deaths, 2, "{point}");
        let waiting = phone.client().waiting_devices().await.unwrap();
        let codes: Vec<_> = waiting.iter().map(|one| one.code.clone()).collect();
        assert_eq!(codes, [code], "{point}: one device waits, and it is that one");
        phone.client().approve_device(waiting[0].device).await.unwrap();
        assert_eq!(tablet.asks_to_come_in(), None, "{point}");
        assert_eq!(json!(waiting[0].device), tablet.device);
        assert_eq!(envelopes(&relay, &phone, tablet.user).await, 2);
        assert_eq!(tablet.settled(), 0);
    }
}

/// The relay dies while it notes that a device waits, and while it lets it in: nothing is noted twice, nobody asks in vain.
#[tokio::test(flavor = "multi_thread")]
async fn p2_11_a_relay_killed_around_an_approval_goes_on_with_it() {
    let mut relay = relay().await;
    let (phone, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (phone, ben) = (phone.unwrap(), ben.unwrap());
    let care = group(&[&ben, &phone]).await;
    relay.stop().await;
    // Who asks would be let in if nobody had to approve: that is the first pass of the third point in its life.
    let plan = [
        ("relay.approval.before_accept", 1),
        ("relay.approval.after_accept", 1),
        ("relay.device.before_accept", 2),
        ("relay.device.after_accept", 1),
    ];
    let process = RelayProcess::start(&relay, plan.map(|(point, pass)| (point.to_owned(), pass)), &[]);
    let tablet = Person::new(&relay, "ana").await.unwrap();
    let asking = async {
        loop {
            process.until_up().await;
            let refused = tablet.client().sign_in().await.unwrap_err();
            if *refused.code() == ErrorCode::APPROVAL_PENDING {
                return;
            }
            assert!(refused.retryable(), "{refused}");
        }
    };
    tokio::time::timeout(SOON, asking).await.unwrap();
    process.until_died(2).await;
    let code = tablet.client().approval_code().await.unwrap().unwrap();

    let decide = async || {
        let waiting = phone.client().waiting_devices().await?;
        let codes: Vec<_> = waiting.iter().map(|one| one.code.as_str()).collect();
        let Some(one) = waiting.first() else { return Ok(()) };
        assert_eq!(codes, [code.as_str()]);
        phone.client().approve_device(one.device).await
    };
    let deciding = async {
        loop {
            process.until_up().await;
            match decide().await {
                Ok(()) => return,
                Err(error) => assert!(error.retryable(), "{error}"),
            }
        }
    };
    tokio::time::timeout(SOON, deciding).await.unwrap();
    process.until_died(4).await;
    let coming = async {
        loop {
            match tablet.go_online().await {
                Err(KitError::Client(error)) if error.retryable() => tokio::task::yield_now().await,
                online => return online.unwrap(),
            }
        }
    };
    tokio::time::timeout(SOON, coming).await.unwrap();
    until_active(&tablet, care).await;
    send(&tablet, care, "from the tablet").await;
    for reader in [&phone, &ben] {
        until_text(reader.client(), care, "from the tablet", SOON).await;
    }
    drop(process);
    relay.start_again().await.unwrap();
    assert_eq!(envelopes(&relay, &ben, phone.user().await).await, 2);
    until_holds(&phone, "nobody waits".into(), async || {
        phone
            .client()
            .waiting_devices()
            .await
            .is_ok_and(|waiting| waiting.is_empty())
    })
    .await;
    for person in [&phone, &ben, &tablet] {
        person.close().await.unwrap();
    }
}
