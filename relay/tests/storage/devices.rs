//! Tenants, users, devices, the directory.

use curo_relay::storage::{
    ApprovalOutcome, AskingDevice, DeviceRef, DirectoryChange, DirectoryLimits, DirectoryOutcome, TenantKeys,
};
use curo_types::api::InboxItem;
use curo_types::{DeviceId, Digest, TenantId, UserId};

use crate::world::{DEVICES, HOUR_MS, World, key_of};

pub async fn tenants_keep_their_first_keys(w: &World) {
    let keys = |n| TenantKeys {
        directory: [n; 32],
        log: [n + 1; 32],
    };
    let first = w.storage.tenant_keys(&w.tenant, keys(1), w.now()).await.unwrap();
    assert_eq!(first, keys(1));
    assert_eq!(
        w.storage.tenant_keys(&w.tenant, keys(7), w.now()).await.unwrap(),
        keys(1)
    );
    let other = TenantId::new("st-luke").unwrap();
    assert_eq!(w.storage.tenant_keys(&other, keys(7), w.now()).await.unwrap(), keys(7));
    assert_eq!(format!("{first:?}"), "TenantKeys(redacted)");
}

pub async fn a_subject_is_one_user_for_ever_and_another_in_another_tenant(w: &World) {
    let anna = w
        .storage
        .sign_in(&w.tenant, "anna", UserId::random(), w.now())
        .await
        .unwrap();
    assert_eq!(
        w.storage
            .sign_in(&w.tenant, "anna", UserId::random(), w.now())
            .await
            .unwrap(),
        anna
    );
    let other = TenantId::new("st-luke").unwrap();
    assert_ne!(
        w.storage
            .sign_in(&other, "anna", UserId::random(), w.now())
            .await
            .unwrap(),
        anna
    );

    let people = w
        .storage
        .people(&w.tenant, &["bo".into(), "anna".into()])
        .await
        .unwrap();
    assert_eq!(
        people.iter().map(|p| (p.subject.as_str(), p.user)).collect::<Vec<_>>(),
        [("anna", anna)]
    );

    let device = w.device_of(anna).await;
    let caller = w.storage.caller(&w.tenant, "anna", Some(device.device)).await.unwrap();
    assert_eq!((caller.user, caller.device.map(|d| d.user)), (Some(anna), Some(anna)));
    let caller = w
        .storage
        .caller(&w.tenant, "bo", Some(DeviceId::random()))
        .await
        .unwrap();
    assert_eq!((caller.user, caller.device), (None, None));
}

pub async fn p2_2_envelopes_are_numbered_and_served_verbatim(w: &World) {
    let (a, b, c) = (w.device().await, w.device().await, w.device().await);
    w.revoke(a).await;
    let page = w.storage.directory(&w.tenant, &[c.user, a.user, a.user]).await.unwrap();
    assert_eq!(page.version, 4);
    let previous = Digest::of(&World::addition(a).envelope);
    let expected = [
        (1, World::addition(a).envelope),
        (3, World::addition(c).envelope),
        (4, World::revocation(a, previous).envelope),
    ];
    let found: Vec<_> = page.records.into_iter().map(|r| (r.version, r.envelope.0)).collect();
    assert_eq!(found, expected);
    assert_eq!(w.storage.devices(&w.tenant, b.user).await.unwrap()[0].version, 2);
}

pub async fn p2_2_the_same_registration_again_gets_the_same_answer(w: &World) {
    let user = UserId::random();
    let first = w.device_of(user).await;
    for _ in 1..DEVICES.active {
        w.pass(1);
        w.device_of(user).await;
    }
    // The repetition comes with an eviction that was decided by newer knowledge; neither changes anything.
    let victim = w.storage.devices(&w.tenant, user).await.unwrap().pop().unwrap();
    let eviction = World::revocation(
        DeviceRef {
            user,
            device: victim.device,
        },
        victim.envelope_hash,
    );
    let mut again = World::addition(first);
    // The relay's signature may differ; the submitted bytes are what counts.
    again.envelope = b"another signature".to_vec();
    match w.change(vec![eviction, again]).await {
        DirectoryOutcome::Duplicate(record) => {
            assert_eq!(
                (record.version, record.envelope.0),
                (1, World::addition(first).envelope)
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(w.version().await, DEVICES.active as u64);
    // Also once the device has other envelopes.
    w.revoke(first).await;
    match w.change(vec![World::addition(first)]).await {
        DirectoryOutcome::Duplicate(record) => assert_eq!(record.version, 1),
        other => panic!("{other:?}"),
    }
}

pub async fn p2_2_taken_ids_and_keys_are_refused(w: &World) {
    let device = w.device().await;
    let mut other_body = World::addition(device);
    other_body.request_hash = Digest::of(b"other");
    assert_eq!(w.change(vec![other_body.clone()]).await, DirectoryOutcome::DeviceExists);
    // Another user cannot take the id over, even with the same bytes.
    let mut other_user = World::addition(device);
    other_user.device.user = UserId::random();
    assert_eq!(w.change(vec![other_user]).await, DirectoryOutcome::DeviceExists);

    let mut same_key = World::addition(DeviceRef {
        user: device.user,
        device: DeviceId::random(),
    });
    same_key.keys[0].1 = key_of(device.device);
    assert_eq!(w.change(vec![same_key.clone()]).await, DirectoryOutcome::DeviceExists);
    // A key stays its device's when that is revoked, and so does the id.
    w.revoke(device).await;
    assert_eq!(w.change(vec![same_key]).await, DirectoryOutcome::DeviceExists);
    assert_eq!(w.change(vec![other_body]).await, DirectoryOutcome::DeviceExists);
}

pub async fn p2_2_a_revocation_needs_the_last_envelope_and_is_for_good(w: &World) {
    let device = w.device().await;
    let last = w.storage.devices(&w.tenant, device.user).await.unwrap()[0].envelope_hash;
    assert_eq!(
        w.change(vec![World::revocation(device, Digest::ZERO)]).await,
        DirectoryOutcome::Stale
    );
    let stranger = DeviceRef {
        user: UserId::random(),
        ..device
    };
    assert_eq!(
        w.change(vec![World::revocation(stranger, last)]).await,
        DirectoryOutcome::Stale
    );
    assert_eq!(
        w.change(vec![World::revocation(device, last)]).await,
        DirectoryOutcome::Accepted(vec![2])
    );
    let state = w.storage.devices(&w.tenant, device.user).await.unwrap().remove(0);
    assert_eq!((state.active, state.keys.len(), state.version), (false, 0, 2));
    let again = World::revocation(device, state.envelope_hash);
    assert_eq!(w.change(vec![again]).await, DirectoryOutcome::Stale);
}

pub async fn p4_the_cap_on_devices_holds_with_eviction_in_the_same_call(w: &World) {
    let user = UserId::random();
    let mut devices = Vec::new();
    for _ in 0..DEVICES.active {
        devices.push(w.device_of(user).await);
        w.pass(1);
    }
    let eleventh = World::addition(DeviceRef {
        user,
        device: DeviceId::random(),
    });
    assert_eq!(w.change(vec![eleventh.clone()]).await, DirectoryOutcome::TooManyDevices);
    let states = w.storage.devices(&w.tenant, user).await.unwrap();
    assert_eq!(states.len(), DEVICES.active, "the refused one left nothing");
    assert_eq!(states[0].device, devices[0].device, "by time of registration");

    let eviction = World::revocation(devices[0], states[0].envelope_hash);
    let version = w.version().await;
    let outcome = w.change(vec![eviction, eleventh]).await;
    assert_eq!(outcome, DirectoryOutcome::Accepted(vec![version + 1, version + 2]));
    let active = w
        .storage
        .devices(&w.tenant, user)
        .await
        .unwrap()
        .into_iter()
        .filter(|d| d.active)
        .count();
    assert_eq!(active, DEVICES.active);
}

pub async fn a_change_is_all_or_nothing(w: &World) {
    let (a, b) = (w.device().await, w.device().await);
    let hash = w.storage.devices(&w.tenant, a.user).await.unwrap()[0].envelope_hash;
    let taken = {
        let mut change = World::addition(b);
        change.request_hash = Digest::of(b"other");
        change
    };
    assert_eq!(
        w.change(vec![World::revocation(a, hash), taken]).await,
        DirectoryOutcome::DeviceExists
    );
    assert!(w.storage.devices(&w.tenant, a.user).await.unwrap()[0].active);
    assert_eq!(w.version().await, 2);
    // The version that was taken in vain is given to the next.
    assert_eq!(
        w.change(vec![World::revocation(a, hash)]).await,
        DirectoryOutcome::Accepted(vec![3])
    );
}

pub async fn tenants_do_not_see_each_other(w: &World) {
    let device = w.device().await;
    let other = TenantId::new("st-luke").unwrap();
    assert!(w.storage.devices(&other, device.user).await.unwrap().is_empty());
    let page = w.storage.directory(&other, &[device.user]).await.unwrap();
    assert_eq!((page.version, page.records.len()), (0, 0));
    assert_eq!(
        w.storage
            .caller(&other, "anna", Some(device.device))
            .await
            .unwrap()
            .device,
        None
    );
    // The same ids in another tenant are other things.
    let outcome = w
        .storage
        .change_directory(&other, vec![World::addition(device)], DEVICES, w.now())
        .await;
    assert_eq!(outcome.unwrap(), DirectoryOutcome::Accepted(vec![1]));
}

pub async fn devices_are_seen_forward_only(w: &World) {
    let device = w.device().await;
    let seen = async || w.storage.devices(&w.tenant, device.user).await.unwrap()[0].last_seen_ms;
    assert_eq!(seen().await, w.now());
    w.storage
        .touch_device(&w.tenant, device.device, w.now() + 5)
        .await
        .unwrap();
    assert_eq!(seen().await, w.now() + 5);
    w.storage
        .touch_device(&w.tenant, device.device, w.now() + 3)
        .await
        .unwrap();
    assert_eq!(seen().await, w.now() + 5);
}

pub async fn additions_of_a_user_are_limited_by_the_day(w: &World) {
    let user = UserId::random();
    let limits = DirectoryLimits {
        additions_per_day: 2,
        ..DEVICES
    };
    let add = async || {
        let device = DeviceRef {
            user,
            device: DeviceId::random(),
        };
        let change = World::addition(device);
        let (first, again) = (vec![change.clone()], vec![change]);
        let outcome = w
            .storage
            .change_directory(&w.tenant, first, limits, w.now())
            .await
            .unwrap();
        (outcome, again)
    };
    let day = 24 * HOUR_MS;
    let (_, first) = add().await;
    w.pass(HOUR_MS);
    let (all, _, _) = tokio::join!(add(), add(), add());
    let (outcome, _) = add().await;
    assert_eq!(
        outcome,
        DirectoryOutcome::RateLimited {
            retry_after_ms: day - HOUR_MS
        }
    );
    assert_eq!(
        w.storage.devices(&w.tenant, user).await.unwrap().len(),
        2,
        "of several at once too: {all:?}"
    );
    let repeated = w
        .storage
        .change_directory(&w.tenant, first, limits, w.now())
        .await
        .unwrap();
    assert!(
        matches!(repeated, DirectoryOutcome::Duplicate(_)),
        "a repetition is no addition"
    );
    w.pass(day - HOUR_MS);
    assert!(matches!(add().await.0, DirectoryOutcome::Accepted(_)));
    assert!(matches!(add().await.0, DirectoryOutcome::RateLimited { .. }));
}

pub async fn p2_2_a_later_device_needs_an_approval(w: &World) {
    let asked = async |require| w.storage.approval_since(&w.tenant, require).await.unwrap();
    let phone = w.device().await;
    let before = w.device_of(phone.user).await;
    assert_eq!(asked(false).await, None);
    // From now on, and what was before stays.
    assert_eq!(asked(true).await, Some(2));
    let other = w.device().await;
    assert_eq!((asked(true).await, asked(false).await), (Some(2), Some(2)));

    let tablet = DeviceRef {
        user: phone.user,
        device: DeviceId::random(),
    };
    let addition = World::addition(tablet);
    assert_eq!(w.change(vec![addition.clone()]).await, DirectoryOutcome::ApprovalNeeded);
    let asking = AskingDevice {
        device: tablet,
        asked_ms: w.now(),
        envelope: addition.envelope.clone(),
    };
    let ask = async |asking: &AskingDevice| {
        w.storage
            .ask_approval(&w.tenant, asking.clone(), DEVICES)
            .await
            .unwrap()
    };
    let outcome = ask(&asking).await;
    let ApprovalOutcome::Waiting { mut wake } = outcome else {
        panic!("{outcome:?}")
    };
    wake.sort_unstable();
    let mut siblings = [phone.device, before.device];
    siblings.sort_unstable();
    assert_eq!(wake, siblings);
    assert_eq!(
        ask(&asking).await,
        ApprovalOutcome::Waiting { wake: Vec::new() },
        "told once"
    );
    let stolen = AskingDevice {
        device: DeviceRef {
            user: other.user,
            ..tablet
        },
        ..asking.clone()
    };
    assert_eq!(ask(&stolen).await, ApprovalOutcome::DeviceExists);
    for device in [phone, before] {
        let inbox = w.sync(device, None, 0).await.inbox;
        assert!(
            inbox
                .iter()
                .any(|one| one.item == InboxItem::Approval { device: tablet.device }),
            "{inbox:?}"
        );
    }
    let waiting = async |user| w.storage.waiting_devices(&w.tenant, user).await.unwrap();
    assert_eq!(waiting(phone.user).await, std::slice::from_ref(&asking));
    assert!(waiting(other.user).await.is_empty());

    // Approvals of others, of itself and of revoked devices are none.
    w.revoke(before).await;
    for by in [other, tablet, before] {
        let approved = DirectoryChange {
            approved_by: Some(by.device),
            ..addition.clone()
        };
        assert_eq!(w.change(vec![approved]).await, DirectoryOutcome::Stale);
    }
    let approved = DirectoryChange {
        approved_by: Some(phone.device),
        ..addition.clone()
    };
    assert!(matches!(w.change(vec![approved]).await, DirectoryOutcome::Accepted(_)));
    assert!(waiting(phone.user).await.is_empty());
    // The device itself asks again and gets the answer.
    assert!(matches!(w.change(vec![addition]).await, DirectoryOutcome::Duplicate(_)));
}

pub async fn p2_2_a_refused_device_stays_out_and_asking_is_limited(w: &World) {
    w.storage.approval_since(&w.tenant, true).await.unwrap();
    let phone = w.device().await;
    let limits = DirectoryLimits {
        additions_per_day: 2,
        ..DEVICES
    };
    let asking = || AskingDevice {
        device: DeviceRef {
            user: phone.user,
            device: DeviceId::random(),
        },
        asked_ms: w.now(),
        envelope: b"add".to_vec(),
    };
    let ask = async |asking: &AskingDevice| w.storage.ask_approval(&w.tenant, asking.clone(), limits).await.unwrap();
    let (first, second) = (asking(), asking());
    ask(&first).await;
    ask(&second).await;
    assert!(matches!(
        ask(&asking()).await,
        ApprovalOutcome::RateLimited { retry_after_ms } if retry_after_ms == 24 * HOUR_MS
    ));
    let stranger = DeviceRef {
        user: UserId::random(),
        ..first.device
    };
    let refuse = async |device| w.storage.refuse_device(&w.tenant, device).await.unwrap();
    assert!(!refuse(stranger).await);
    assert!(refuse(first.device).await && refuse(first.device).await);
    assert_eq!(ask(&first).await, ApprovalOutcome::Refused);
    assert_eq!(
        w.storage.waiting_devices(&w.tenant, phone.user).await.unwrap(),
        std::slice::from_ref(&second)
    );
    // After a week nobody remembers who asked.
    w.pass(8 * 24 * HOUR_MS);
    w.storage.sweep(w.now() - 7 * 24 * HOUR_MS, w.now()).await.unwrap();
    assert!(
        w.storage
            .waiting_devices(&w.tenant, phone.user)
            .await
            .unwrap()
            .is_empty()
    );
    // Who has no device any more is alone, and needs nobody.
    w.revoke(phone).await;
    assert!(matches!(
        w.change(vec![World::addition(second.device)]).await,
        DirectoryOutcome::Accepted(_)
    ));
}
