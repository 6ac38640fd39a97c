//! A relay that was restored from a backup (rule 7.2), where later devices wait for approval (2.2).

use curo::{ErrorCode, SessionState};
use curo_kit::{Person, TestRelay, until_text};

use super::{Vaults, talk};
use crate::team::{group, people, send, until_active, until_holds};
use crate::{SOON, logs};

/// Another device of a user, which is not let in yet.
async fn waiting(relay: &TestRelay, subject: &str) -> Person {
    let device = Person::new(relay, subject).await.unwrap();
    let refused = device.client().sign_in().await.unwrap_err();
    assert_eq!(*refused.code(), ErrorCode::APPROVAL_PENDING);
    device
}

/// One device lets the other in.
async fn let_in(by: &Person, device: &Person) {
    until_holds(by, "a device waits".into(), async || {
        !by.client().waiting_devices().await.unwrap().is_empty()
    })
    .await;
    for one in by.client().waiting_devices().await.unwrap() {
        by.client().approve_device(one.device).await.unwrap();
    }
    device.client().wait_for_approval().await.unwrap();
    device.client().start().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_2_p2_2_devices_that_were_approved_after_the_backup_are_in_and_others_are_not() {
    logs();
    let relay = TestRelay::builder().tenant(|tenant| tenant.policy.device_approval = true);
    let (mut relay, vaults) = (relay.start().await.unwrap(), Vaults::new());
    let team = people(&relay, &["ana", "ben"]).await;
    let [phone, ben] = &team[..] else { unreachable!() };
    let id = group(&[phone, ben]).await;
    talk(&[phone, ben], id, "before").await;
    // The backup knows that it waits.
    let tablet = waiting(&relay, "ana").await;
    vaults.save(&relay, "monday").await;
    let_in(phone, &tablet).await;
    until_active(&tablet, id).await;
    // The backup has never heard of these.
    let laptop = waiting(&relay, "ana").await;
    let_in(&tablet, &laptop).await;
    until_active(&laptop, id).await;
    let watch = waiting(&relay, "ana").await;
    send(&laptop, id, "lost").await;
    until_text(ben.client(), id, "lost", SOON).await;
    let in_it = [&tablet, &laptop, ben];
    let mut accounts = Vec::new();
    for person in in_it {
        accounts.push(person.account().await.unwrap());
    }
    // Nobody is there who could approve anything.
    phone.client().stop().await;
    vaults.restore(&mut relay, "monday").await;
    for (n, speaker) in in_it.into_iter().enumerate() {
        let text = format!("after {n}");
        send(speaker, id, &text).await;
        for hearer in in_it {
            until_text(hearer.client(), id, &text, SOON).await;
        }
    }
    for (person, account) in in_it.into_iter().zip(accounts) {
        assert_eq!(person.account().await.unwrap(), account);
    }
    let refused = watch.client().sign_in().await.unwrap_err();
    assert_eq!(*refused.code(), ErrorCode::APPROVAL_PENDING);
    assert_eq!(watch.client().session(), SessionState::WaitingForApproval);
    phone.client().start().await.unwrap();
    until_active(phone, id).await;
    let_in(phone, &watch).await;
    until_active(&watch, id).await;
    send(&watch, id, "at last").await;
    for hearer in [phone, &tablet, &laptop, ben] {
        until_text(hearer.client(), id, "at last", SOON).await;
    }
}
