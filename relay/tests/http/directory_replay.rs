//! Users and envelopes that a restored relay has lost, brought back, and by those who would bring in something else (7.2).

use curo_mls::{MlsEngine as _, Suite};
use curo_relay::backup;
use curo_types::api::{
    DirectoryReplayed, KnownAccount, Registered, ReplayDirectory, RevokeDevice, SessionAnswer, SessionRequest,
};
use curo_types::format::{Approval, Envelope, EnvelopeBody, Signer};
use curo_types::{Blob, Digest, ErrorCode, UserId};

use crate::device::{Device, SUITE};
use crate::replay::restart;
use crate::world::{Answer, World, other_tenant, tenant};

async fn save(world: &World) {
    let (config, target) = (world.config.clone(), world.dir.path().join("backup"));
    tokio::task::spawn_blocking(move || backup(&config, &target))
        .await
        .unwrap()
        .unwrap();
}

async fn session(world: &World, subject: &str, known: Option<KnownAccount>) -> SessionAnswer {
    let request = SessionRequest { account: known };
    world
        .post(&world.token(subject), "/v1/session", &request)
        .await
        .unwrap()
}

async fn offer(world: &World, device: &Device, envelopes: &[&[u8]]) -> Answer<DirectoryReplayed> {
    let envelopes = envelopes.iter().map(|bytes| Blob(bytes.to_vec())).collect();
    world
        .post(&device.token, "/v1/directory/replay", &ReplayDirectory { envelopes })
        .await
}

fn known(of: &SessionAnswer) -> KnownAccount {
    KnownAccount {
        user: of.user,
        statement: of.account.clone().unwrap(),
    }
}

/// `by` revokes a sibling.
async fn revoke(world: &World, by: &Device, gone: &Device, last: &[u8]) -> Vec<u8> {
    let mut body = EnvelopeBody::revoke(tenant(), gone.user(), gone.id, Digest::of(last));
    body.approval = Approval::Device(by.id, SUITE);
    let mut envelope = Envelope::new(body);
    let key = &by.signer.public_key;
    let mut engine = curo_mls::OpenMlsEngine::new();
    let signature = engine
        .sign(&by.store, Suite(SUITE.0), key, &envelope.signed_bytes())
        .unwrap();
    envelope.push(Signer::Device(by.id, SUITE), signature);
    let bytes = envelope.to_bytes();
    let request = RevokeDevice {
        envelope: Some(Blob(bytes.clone())),
    };
    let path = format!("/v1/devices/{}/revoke", gone.id);
    let _: Registered = by.post(world, &path, &request).await.unwrap();
    bytes
}

#[tokio::test]
async fn p7_2_a_subject_is_who_it_was_on_the_relays_own_word_alone() {
    let mut world = World::start().await;
    let ben = session(&world, "ben", None).await;
    save(&world).await;
    let anna = session(&world, "anna", None).await;
    assert!(anna.lost.is_empty());
    restart(&mut world, "restored").await;
    // Not on somebody else's, nor on a changed one, nor where there is none.
    let mut elsewhere = known(&anna);
    elsewhere.user = UserId([9; 16]);
    let mut damaged = known(&anna);
    damaged.statement.0[7] ^= 1;
    let short = KnownAccount {
        statement: Blob(vec![1; 3]),
        ..known(&anna)
    };
    for (n, wrong) in [known(&anna), elsewhere.clone(), damaged, short]
        .into_iter()
        .enumerate()
    {
        let other = session(&world, &format!("other-{n}"), Some(wrong)).await;
        assert!(![anna.user, elsewhere.user].contains(&other.user), "{n}");
    }
    let again = session(&world, "anna", Some(known(&anna))).await;
    assert_eq!(again.user, anna.user);
    assert_eq!(again.account, anna.account);
    assert_ne!(again.store, anna.store);
    assert_eq!(session(&world, "anna", None).await.user, anna.user);
    // Who is known is who they are, whatever they bring.
    assert_eq!(session(&world, "ben", Some(known(&anna))).await.user, ben.user);
    // A body that cannot be read counts as none.
    let unread: SessionAnswer = world
        .post(&world.token("anna"), "/v1/session", &serde_json::json!({"account": 7}))
        .await
        .unwrap();
    assert_eq!(unread.user, anna.user);
}

#[tokio::test]
async fn p7_2_lost_envelopes_come_back_behind_all_versions_that_were_used() {
    let mut world = World::start().await;
    let anna = Device::new(&world, "anna").await;
    save(&world).await;
    let second = anna.sibling(&world, "anna").await;
    let third = anna.sibling(&world, "anna").await;
    let ben = Device::new(&world, "ben").await;
    let of_ben = anna.directory(&world, &[ben.user()]).await;
    let before = anna.directory(&world, &[anna.user()]).await;
    let adds: Vec<&[u8]> = before.records[1..]
        .iter()
        .map(|record| record.envelope.as_slice())
        .collect();
    let gone = revoke(&world, &anna, &third, adds[1]).await;
    let used = anna.directory(&world, &[anna.user()]).await.version;
    // Where nothing was lost nothing comes back.
    assert_eq!(offer(&world, &anna, &adds).await.unwrap().appended, 0);
    restart(&mut world, "restored").await;

    let now = session(&world, "anna", Some(known(&anna.session))).await;
    let lost = now.lost[0];
    assert_eq!((lost.after, now.lost.len()), (1, 1));
    assert!(lost.until > used);
    assert_eq!(anna.directory(&world, &[anna.user()]).await.version, lost.until);
    // What follows counts, whoever brings it and however often; what does not is passed over.
    let foreign = of_ben.records[0].envelope.as_slice();
    let mut unsigned = Envelope::from_bytes(adds[0]).unwrap();
    unsigned.signatures.retain(|one| one.signer != Signer::Directory);
    let never = second.envelope().to_bytes();
    for nothing in [gone.as_slice(), &unsigned.to_bytes(), &never] {
        assert_eq!(offer(&world, &anna, &[nothing]).await.unwrap().appended, 0);
    }
    let all = [adds[0], adds[1], gone.as_slice(), foreign];
    assert_eq!(offer(&world, &anna, &all).await.unwrap().appended, 4);
    assert_eq!(offer(&world, &anna, &all).await.unwrap().appended, 0);
    let after = anna.directory(&world, &[anna.user(), ben.user()]).await;
    let envelopes: Vec<&[u8]> = after.records[1..]
        .iter()
        .map(|record| record.envelope.as_slice())
        .collect();
    assert_eq!(envelopes, all);
    assert!(after.records[1..].iter().all(|record| record.version > lost.until));
    // They are who they were; the one that was revoked stays so, and its registration says what it said.
    let synced = second.sync(&world, None, 0).await;
    assert!(synced.is_ok());
    let refused = third.sync(&world, None, 0).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::DEVICE_REVOKED);
    let again = second.register(&world, &second.envelope().to_bytes()).await.unwrap();
    assert_eq!(again.envelope.as_slice(), adds[0]);
    session(&world, "ben", Some(known(&ben.session))).await;
    assert!(ben.sync(&world, None, 0).await.is_ok());
}

#[tokio::test]
async fn p7_2_a_revocation_wins_over_a_device_that_has_come_back_otherwise() {
    let mut world = World::start().await;
    let anna = Device::new(&world, "anna").await;
    save(&world).await;
    let thief = anna.sibling(&world, "anna").await;
    let page = anna.directory(&world, &[anna.user()]).await;
    let add = page.records[1].envelope.as_slice().to_vec();
    let gone = revoke(&world, &anna, &thief, &add).await;
    restart(&mut world, "restored").await;
    // It registers the same device, with something else in its envelope.
    let mut body = thief.envelope().body().clone();
    body.audit_chain = Some(curo_types::ChainId([5; 16]));
    thief.register(&world, &thief.sign(body).to_bytes()).await.unwrap();
    assert!(thief.sync(&world, None, 0).await.is_ok());
    assert_eq!(offer(&world, &anna, &[&add, &gone]).await.unwrap().appended, 1);
    let refused = thief.sync(&world, None, 0).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::DEVICE_REVOKED);
    assert_eq!(offer(&world, &anna, &[&add, &gone]).await.unwrap().appended, 0);
}

#[tokio::test]
async fn p7_2_an_offer_of_envelopes_is_bounded_and_of_the_own_tenant() {
    let world = World::start().await;
    let anna = Device::new(&world, "anna").await;
    let page = anna.directory(&world, &[anna.user()]).await;
    let envelope = page.records[0].envelope.as_slice();
    let elsewhere = Device::of(&world, &other_tenant(), "anna").await;
    for (envelopes, code) in [
        (vec![], ErrorCode::MALFORMED),
        (vec![envelope; 65], ErrorCode::TOO_LARGE),
        (vec![&[1, 2, 3][..]], ErrorCode::MALFORMED),
        (vec![&[0; 4000][..]], ErrorCode::TOO_LARGE),
    ] {
        let refused = offer(&world, &anna, &envelopes).await.unwrap_err();
        assert_eq!(refused.code, code, "{}", envelopes.len());
    }
    let refused = offer(&world, &elsewhere, &[envelope]).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::FORBIDDEN);
}
