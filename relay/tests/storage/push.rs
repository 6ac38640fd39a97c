//! Push registrations.

use curo_relay::storage::PushTarget;
use curo_types::{DeviceId, TenantId};

use crate::world::World;

fn target(name: &str) -> PushTarget {
    PushTarget {
        target: name.to_owned(),
        token: [7; 16],
    }
}

async fn targets(w: &World, devices: &[DeviceId]) -> Vec<(DeviceId, PushTarget)> {
    w.storage.push_targets(&w.tenant, devices).await.unwrap()
}

pub async fn a_device_has_one_registration_and_a_revoked_one_none(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let put = async |device, target| w.storage.put_push(&w.tenant, device, target, w.now()).await.unwrap();
    let all = [a.device, b.device, DeviceId::random()];
    assert!(targets(w, &all).await.is_empty());
    put(a.device, Some(target("first"))).await;
    put(a.device, Some(target("second"))).await;
    put(b.device, Some(target("b"))).await;
    assert_eq!(
        targets(w, &all).await,
        [(a.device, target("second")), (b.device, target("b"))]
    );
    assert_eq!(targets(w, &[b.device]).await, [(b.device, target("b"))]);
    let elsewhere = TenantId::new("st-luke").unwrap();
    assert!(w.storage.push_targets(&elsewhere, &all).await.unwrap().is_empty());

    // An answer about a registration that was replaced meanwhile changes nothing.
    w.storage
        .forget_push(&w.tenant, a.device, &target("first"))
        .await
        .unwrap();
    assert_eq!(targets(w, &[a.device]).await.len(), 1);
    w.storage
        .forget_push(&w.tenant, a.device, &target("second"))
        .await
        .unwrap();
    assert!(targets(w, &[a.device]).await.is_empty());
    put(a.device, None).await;

    w.revoke(b).await;
    assert!(targets(w, &all).await.is_empty());
    assert_eq!(format!("{:?}", target("b")), "PushTarget(redacted)");
}
