//! How many devices a user has (section 6 of the protocol's page).

use curo::{ErrorCode, SessionState};
use curo_kit::{Person, TestRelay, until_text};

use crate::team::{group, send, until_active, until_holds};
use crate::{SOON, logs};

#[tokio::test(flavor = "multi_thread")]
async fn p6_1_the_eleventh_device_takes_the_place_of_the_least_recently_used() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::online(&relay, "ana").await.unwrap();
    let oldest = Person::online(&relay, "ben").await.unwrap();
    let care = group(&[&ana, &oldest]).await;
    let mut later = Vec::new();
    for _ in 0..9 {
        let device = Person::new(&relay, "ben").await.unwrap();
        device.client().sign_in().await.unwrap();
        later.push(device);
    }
    let all = |devices: &[curo::OwnDevice]| devices.iter().filter(|device| !device.revoked).count();
    assert_eq!(all(&later[0].client().devices().await.unwrap()), 10);
    let eleventh = Person::online(&relay, "ben").await.unwrap();
    let listed = eleventh.client().devices().await.unwrap();
    assert_eq!((listed.len(), all(&listed)), (11, 10));
    let gone = oldest.account().await.unwrap().device;
    assert!(listed.iter().all(|device| device.revoked == (device.device == gone)));
    until_holds(&oldest, "revoked".into(), async || {
        oldest.client().session() == SessionState::Revoked
    })
    .await;
    let refused = oldest.client().devices().await.unwrap_err();
    assert_eq!(*refused.code(), ErrorCode::DEVICE_REVOKED);
    // Members remove its leaf, and another device of the user brings the new one in.
    send(&ana, care, "to whom it concerns").await;
    later[0].go_online().await.unwrap();
    until_active(&eleventh, care).await;
    send(&eleventh, care, "still me").await;
    until_text(ana.client(), care, "still me", SOON).await;
    assert!(!crate::team::read(&oldest, care).await.contains(&"still me".to_owned()));
}
