//! Who signs in, who may not, and what stops an account for good.

use super::*;
use crate::team::until_holds;

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_may_hold_several_profiles_and_then_one_is_chosen() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, hers) = with_a_message(&relay, "ana").await;
    let (vault, first) = (Arc::clone(ana.vault()), ana.client().profile());
    let second = ProfileId::random();
    let options = ana.options().clone().profile(second);
    let ben = Client::open(options.clone(), vault.clone(), tokens(&relay, "ben"))
        .await
        .unwrap();
    assert!(ben.account().await.is_none());
    let account = ben.sign_in().await.unwrap();
    assert_ne!(account.user, ana.user().await);
    assert_eq!(ben.account().await, Some(account.clone()));
    assert!(ben.conversations().await.unwrap().is_empty());
    assert_eq!(code(ben.conversation(hers).info().await), ErrorCode::UNKNOWN);
    ben.close().await.unwrap();
    ana.close().await.unwrap();

    let mut profiles = [first, second];
    profiles.sort_unstable();
    let root = ana.dir().join("profiles");
    assert_eq!(Profiles::list(&root).unwrap(), profiles);
    let none_chosen = Client::open(ana.options().clone(), vault.clone(), tokens(&relay, "ana")).await;
    assert_eq!(code(none_chosen), ErrorCode::INVALID_ARGUMENT);
    let ben = Client::open(options, vault.clone(), tokens(&relay, "ben"))
        .await
        .unwrap();
    assert_eq!(ben.account().await, Some(account));

    // Erasing one leaves the other, which is the only one again.
    ben.erase().await.unwrap();
    assert_eq!(Profiles::list(&root).unwrap(), [first]);
    let ana = Client::open(ana.options().clone(), vault, tokens(&relay, "ana"))
        .await
        .unwrap();
    assert_eq!(texts(&ana.conversation(hers)).await.unwrap(), ["kept"]);
    ana.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_bound_to_the_first_who_signs_in() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ward) = with_a_message(&relay, "ana").await;
    let account = ana.account().await.unwrap();
    ana.close().await.unwrap();
    let other = Client::open(ana.options().clone(), ana.vault().clone(), tokens(&relay, "eve"))
        .await
        .unwrap();
    for _ in 0..2 {
        let refused = other.sign_in().await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.retryable()),
            (&ErrorCode::WRONG_ACCOUNT, false)
        );
    }
    // Nothing of the owner's is lost, and nothing of it is sent as somebody else.
    assert_eq!(other.account().await, Some(account.clone()));
    assert_eq!(texts(&other.conversation(ward)).await.unwrap(), ["kept"]);
    other.start().await.unwrap();
    let refused = ConnectionState::Failed {
        code: ErrorCode::UNKNOWN_DEVICE,
    };
    until_connection(&other, "refused", SOON, |state| *state == refused).await;
    assert_eq!(other.outbox().await.unwrap().waiting, 2);
    other.close().await.unwrap();
    let back = Client::open(ana.options().clone(), ana.vault().clone(), tokens(&relay, "ana"))
        .await
        .unwrap();
    assert_eq!(back.sign_in().await.unwrap(), account);
    back.start().await.unwrap();
    until_live(&back, SOON).await;
    back.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_sign_in_only_looking_is_possible() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let mut ana = Person::new(&relay, "ana").await.unwrap();
    for restarted in [false, true] {
        let client = ana.client();
        assert!(client.account().await.is_none());
        assert_eq!(client.connection(), ConnectionState::Stopped);
        assert!(client.conversations().await.unwrap().is_empty());
        assert_eq!(client.outbox().await.unwrap().waiting, 0);
        let nowhere = client.conversation(ConversationId::random());
        for refused in [
            code(client.start().await),
            code(client.catch_up().await),
            code(client.find_people(&["ben"]).await),
            code(client.create_conversation(&[UserId::random()]).await),
            code(client.direct_conversation(UserId::random()).await),
            code(nowhere.send_text("too early".into(), MessageId::random()).await),
            code(nowhere.add(&[UserId::random()]).await),
            code(nowhere.remove(&[UserId::random()]).await),
            code(nowhere.renew_keys().await),
            code(nowhere.latest(1).await),
            code(nowhere.delivery(MessageId::random()).await),
        ] {
            assert_eq!(refused, ErrorCode::SIGN_IN_NEEDED, "restarted: {restarted}");
        }
        assert_eq!(code(nowhere.info().await), ErrorCode::UNKNOWN);
        if !restarted {
            // A sign-in that does not come through leaves it so, also across a restart.
            ana.tokens().set(Validity::Nobody);
            assert_eq!(code(ana.client().sign_in().await), ErrorCode::SIGN_IN_NEEDED);
            ana.tokens().set(Validity::Refused);
            assert_eq!(code(ana.client().sign_in().await), ErrorCode::SIGN_IN_NEEDED);
            ana.tokens().set(Validity::Expired);
            assert_eq!(code(ana.client().sign_in().await), ErrorCode::TOKEN_EXPIRED);
            ana.tokens().set(Validity::Good);
            ana.cable().cut();
            assert_eq!(code(ana.client().sign_in().await), ErrorCode::OFFLINE);
            ana.cable().restore();
            ana.close().await.unwrap();
            ana.open().await.unwrap();
        }
    }
    // Signed in once, it stays signed in, offline too.
    let account = ana.client().sign_in().await.unwrap();
    assert_eq!(ana.client().sign_in().await.unwrap(), account);
    ana.close().await.unwrap();
    ana.cable().cut();
    ana.open().await.unwrap();
    assert_eq!(ana.client().account().await, Some(account.clone()));
    ana.client().start().await.unwrap();
    until_connection(ana.client(), "offline", SOON, |state| {
        *state
            == ConnectionState::Waiting {
                code: ErrorCode::OFFLINE,
            }
    })
    .await;
    ana.cable().restore();
    until_live(ana.client(), SOON).await;
    ana.close().await.unwrap();
}

/// The relay allows ten devices of a user; one more revokes the one that was used least recently (rule 6).
#[tokio::test(flavor = "multi_thread")]
async fn p6_a_revoked_device_stops_and_stays_readable() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (mut first, ward) = with_a_message(&relay, "ana").await;
    for _ in 0..10 {
        let another = Person::new(&relay, "ana").await.unwrap();
        another.client().sign_in().await.unwrap();
        another.close().await.unwrap();
    }
    first.client().start().await.unwrap();
    let revoked = ConnectionState::Failed {
        code: ErrorCode::DEVICE_REVOKED,
    };
    until_connection(first.client(), "revoked", SOON, |state| *state == revoked).await;
    assert_eq!(first.client().session(), SessionState::Revoked);
    assert_eq!(code(first.client().catch_up().await), ErrorCode::DEVICE_REVOKED);
    assert_eq!(texts(&first.client().conversation(ward)).await.unwrap(), ["kept"]);
    first.reopen().await.unwrap();
    until_connection(first.client(), "revoked", SOON, |state| *state == revoked).await;
    first.close().await.unwrap();
}

/// The relay begins anew, which stops the client, or comes back as it was yesterday, under the same store id.
#[tokio::test(flavor = "multi_thread")]
async fn p7_2_another_store_stops_the_client_and_an_older_one_has_all_back() {
    logs();
    for restored in [false, true] {
        let mut relay = TestRelay::start().await.unwrap();
        let (mut ana, mut ben) = (
            Person::online(&relay, "ana").await.unwrap(),
            Person::online(&relay, "ben").await.unwrap(),
        );
        let (ward, _) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
        let id = ward.id();
        send(&ana, id, "before").await;
        until_text(ben.client(), id, "before", SOON).await;
        relay.stop().await;
        let backup = snapshot(relay.data_dir());
        relay.start_again().await.unwrap();
        send(&ana, id, "after").await;
        until_text(ben.client(), id, "after", SOON).await;
        for person in [&ana, &ben] {
            // Their tokens stand behind what the backup does not have.
            person.client().catch_up().await.unwrap();
        }
        relay.stop().await;
        for file in snapshot(relay.data_dir()).into_keys() {
            fs::remove_file(file).unwrap();
        }
        if restored {
            for (file, bytes) in backup {
                fs::write(file, bytes).unwrap();
            }
        }
        relay.start_again().await.unwrap();
        send(&ana, id, "unsent").await;
        for person in [&ana, &ben] {
            // A relay that begins anew has another directory key; one that is only older has all back from its members.
            let stopped = ConnectionState::Failed {
                code: ErrorCode::STORE_CHANGED,
            };
            if restored {
                until_text(person.client(), id, "unsent", SOON).await;
            } else {
                until_connection(person.client(), "stopped", SOON, |state| *state == stopped).await;
            }
        }
        if !restored {
            assert_eq!(code(ana.client().sign_in().await), ErrorCode::STORE_CHANGED);
        }
        let kept = ["before", "after", "unsent"];
        for (person, count) in [(&mut ana, 3), (&mut ben, if restored { 3 } else { 2 })] {
            assert_eq!(texts(&person.client().conversation(id)).await.unwrap(), kept[..count]);
            person.reopen().await.unwrap();
            assert_eq!(texts(&person.client().conversation(id)).await.unwrap(), kept[..count]);
            person.close().await.unwrap();
        }
        relay.stop().await;
    }
}

/// A restored relay whose news end where this device's token stands: only what is sent meets the difference.
#[tokio::test(flavor = "multi_thread")]
async fn p7_2_a_message_that_meets_an_older_store_brings_back_what_that_lacks() {
    logs();
    let mut relay = TestRelay::start().await.unwrap();
    let (ana, ben) = (
        Person::online(&relay, "ana").await.unwrap(),
        Person::online(&relay, "ben").await.unwrap(),
    );
    let (ward, _) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
    let first = send(&ana, ward.id(), "before").await;
    until_delivery(
        ana.client(),
        ward.id(),
        first,
        DeliveryState::Delivered { by: 1, of: 1 },
        SOON,
    )
    .await;
    // All that Ana does from now on comes back in her own answers; no token of hers moves past the backup.
    ana.client().catch_up().await.unwrap();
    ben.close().await.unwrap();
    ana.client().stop().await;
    relay.stop().await;
    let backup = snapshot(relay.data_dir());

    relay.start_again().await.unwrap();
    send(&ana, ward.id(), "after").await;
    ana.client().catch_up().await.unwrap();

    relay.stop().await;
    for file in snapshot(relay.data_dir()).into_keys() {
        fs::remove_file(file).unwrap();
    }
    for (file, bytes) in backup {
        fs::write(file, bytes).unwrap();
    }
    relay.start_again().await.unwrap();
    // Others go on with the older store, so that its news are ahead of Ana's token again.
    for n in 0..5 {
        let another = Person::online(&relay, &format!("another-{n}")).await.unwrap();
        let (talk, created) = another.client().create_conversation(&[ben.user().await]).await.unwrap();
        until_done(another.client(), talk.id(), created, SOON).await;
        another.close().await.unwrap();
    }
    let message = send(&ana, ward.id(), "unsent").await;
    ana.client().start().await.unwrap();
    let heard = async || ward.delivery(message).await.unwrap() != DeliveryState::Queued;
    until_holds(&ana, "sent".into(), heard).await;
    assert_eq!(texts(&ward).await.unwrap(), ["before", "after", "unsent"]);
    let mut ben = ben;
    ben.open().await.unwrap();
    ben.client().start().await.unwrap();
    until_text(ben.client(), ward.id(), "unsent", SOON).await;
    assert_eq!(
        texts(&ben.client().conversation(ward.id())).await.unwrap(),
        ["before", "after", "unsent"]
    );
    ben.close().await.unwrap();
    ana.close().await.unwrap();
    relay.stop().await;
}
