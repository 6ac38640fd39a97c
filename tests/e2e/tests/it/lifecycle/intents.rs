//! What an app asks for: taken once, refused with a reason, and followed until it is delivered.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_message_id_is_the_same_message_and_never_two() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (ana, ben) = (ana.unwrap(), ben.unwrap());
    let (ward, _) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
    let (other, _) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
    let id = MessageId::random();
    let all = futures_util::future::join_all((0..8).map(|_| ward.send_text("once".into(), id))).await;
    assert!(all.into_iter().all(|sent| sent == Ok(id)));
    until_text(ben.client(), ward.id(), "once", SOON).await;
    until_delivery(
        ana.client(),
        ward.id(),
        id,
        DeliveryState::Delivered { by: 1, of: 1 },
        SOON,
    )
    .await;
    // Long after, with another text: the first one stands.
    assert_eq!(ward.send_text("again".into(), id).await, Ok(id));
    send(&ana, ward.id(), "next").await;
    until_text(ben.client(), ward.id(), "next", SOON).await;
    for person in [&ana, &ben] {
        assert_eq!(
            texts(&person.client().conversation(ward.id())).await.unwrap(),
            ["once", "next"]
        );
    }

    // One that waits in one conversation is refused in another: it could not be told apart there.
    ana.cable().cut();
    let waiting = MessageId::random();
    ward.send_text("here".into(), waiting).await.unwrap();
    assert_eq!(
        code(other.send_text("there".into(), waiting).await),
        ErrorCode::INVALID_ARGUMENT
    );
    let renewed = ward.renew_keys().await.unwrap();
    assert_eq!(
        code(ward.send_text("an intent's".into(), renewed.into()).await),
        ErrorCode::INVALID_ARGUMENT
    );
    assert!(texts(&other).await.unwrap().is_empty());
    ana.cable().restore();
    until_text(ben.client(), ward.id(), "here", SOON).await;
    assert_eq!(ana.client().outbox().await.unwrap().failed, 0);
    ana.close().await.unwrap();
    ben.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_outside_their_limits_and_things_that_are_not_there() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ward) = with_a_message(&relay, "ana").await;
    let (client, me) = (ana.client(), ana.user().await);
    let ward = client.conversation(ward);
    let many: Vec<_> = (0..251).map(|_| UserId::random()).collect();
    let invalid = ErrorCode::INVALID_ARGUMENT;
    assert_eq!(code(client.create_conversation(&[]).await), invalid);
    assert_eq!(code(client.create_conversation(&[me]).await), invalid);
    assert_eq!(code(client.create_conversation(&many).await), invalid);
    assert_eq!(code(client.direct_conversation(me).await), invalid);
    assert_eq!(code(client.find_people(&[]).await), invalid);
    assert_eq!(code(client.find_people(&["x"; 251]).await), invalid);
    assert_eq!(code(ward.add(&[]).await), invalid);
    assert_eq!(code(ward.add(&many).await), invalid);
    assert_eq!(code(ward.remove(&[]).await), invalid);
    assert_eq!(code(ward.remove(&many).await), invalid);
    assert_eq!(code(ward.remove(&[UserId::random(), me]).await), invalid);
    assert_eq!(code(ward.send_text("".into(), MessageId::random()).await), invalid);
    let page = ward.latest(1).await.unwrap();
    let cursor = page.items[0].cursor;
    for limit in [0, PAGE_LIMIT + 1, usize::MAX] {
        assert_eq!(code(ward.latest(limit).await), invalid);
        assert_eq!(code(ward.before(cursor, limit).await), invalid);
        assert_eq!(code(ward.after(cursor, limit).await), invalid);
    }
    // A subject that no identity provider could have issued.
    let long = "x".repeat(256);
    let refused = client.find_people(&[&long]).await.unwrap_err();
    assert_eq!((refused.code(), refused.retryable()), (&ErrorCode::TOO_LARGE, false));
    assert!(client.find_people(&[""]).await.unwrap().is_empty());

    let unknown = ErrorCode::UNKNOWN;
    let nowhere = client.conversation(ConversationId::random());
    assert_eq!(code(nowhere.info().await), unknown);
    assert_eq!(
        code(nowhere.send_text("lost".into(), MessageId::random()).await),
        unknown
    );
    assert_eq!(code(nowhere.add(&[UserId::random()]).await), unknown);
    assert_eq!(code(nowhere.remove(&[UserId::random()]).await), unknown);
    assert_eq!(code(nowhere.renew_keys().await), unknown);
    assert_eq!(code(nowhere.retry(IntentId::random()).await), unknown);
    assert_eq!(code(nowhere.delivery(MessageId::random()).await), unknown);
    assert_eq!(code(ward.delivery(MessageId::random()).await), unknown);
    assert_eq!(code(ward.intent(IntentId::random()).await), unknown);
    assert_eq!(code(ward.retry(IntentId::random()).await), unknown);
    assert!(nowhere.latest(10).await.unwrap().items.is_empty());
    // An intent is known where it belongs and nowhere else; what has not failed cannot be retried.
    let (care, created) = client.create_conversation(&[UserId::random()]).await.unwrap();
    assert_eq!(care.intent(created).await.unwrap(), IntentStatus::Pending);
    assert_eq!(code(ward.intent(created).await), unknown);
    assert_eq!(code(care.retry(created).await), unknown);
    // Nothing of all this was left in the outbox but what was taken.
    assert_eq!(
        (
            client.outbox().await.unwrap().waiting,
            client.conversations().await.unwrap().len()
        ),
        (3, 2)
    );
    ana.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_7_who_has_no_device_fails_what_was_for_them_and_blocks_nothing() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (ana, ben) = (ana.unwrap(), ben.unwrap());
    let client = ana.client();
    let (nobody, created) = client.create_conversation(&[UserId::random()]).await.unwrap();
    let message = send(&ana, nobody.id(), "hello?").await;
    let failed = DeliveryState::Failed {
        code: ErrorCode::NO_DEVICE,
        retryable: false,
    };
    until_delivery(client, nobody.id(), message, failed.clone(), SOON).await;
    let intent = IntentStatus::Failed {
        code: ErrorCode::NO_DEVICE,
        retryable: false,
    };
    assert_eq!(nobody.intent(created).await.unwrap(), intent);
    assert_eq!(
        (
            client.outbox().await.unwrap().waiting,
            client.outbox().await.unwrap().failed
        ),
        (0, 2)
    );

    // In a conversation that goes on, what stands behind is sent.
    let (ward, _) = client.create_conversation(&[ben.user().await]).await.unwrap();
    let added = ward.add(&[UserId::random()]).await.unwrap();
    send(&ana, ward.id(), "behind").await;
    until_text(ben.client(), ward.id(), "behind", SOON).await;
    assert_eq!(ward.intent(added).await.unwrap(), intent);

    // Tried again it fails again; the message that is tried without its conversation too.
    let counts = async || {
        let outbox = client.outbox().await.unwrap();
        (outbox.waiting, outbox.failed)
    };
    nobody.retry(created).await.unwrap();
    until(client, "failed again", SOON, async || counts().await == (0, 3)).await;
    assert_eq!(nobody.intent(created).await.unwrap(), intent);
    nobody.retry(message.into()).await.unwrap();
    until(client, "failed again", SOON, async || counts().await == (0, 3)).await;
    assert!(matches!(
        nobody.delivery(message).await,
        Ok(DeliveryState::Failed { .. })
    ));
    ana.close().await.unwrap();
    ben.close().await.unwrap();
}

/// Somebody signs in for the first time after they were invited in vain: the creation and the message are tried again.
#[tokio::test(flavor = "multi_thread")]
async fn p4_a_failed_creation_that_is_retried_is_done_and_its_message_follows() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::online(&relay, "ana").await.unwrap();
    let ben = Person::new(&relay, "ben").await.unwrap();
    // Known to the relay, and not yet on any device.
    let (_, session) = raw::post(
        &relay,
        &ben.tokens().good(),
        None,
        "/v1/session",
        &serde_json::json!({}),
    )
    .await;
    let user: UserId = serde_json::from_value(session["user"].clone()).unwrap();
    let (ward, created) = ana.client().create_conversation(&[user]).await.unwrap();
    let message = send(&ana, ward.id(), "hello").await;
    let failed = DeliveryState::Failed {
        code: ErrorCode::NO_DEVICE,
        retryable: false,
    };
    until_delivery(ana.client(), ward.id(), message, failed, SOON).await;
    ben.go_online().await.unwrap();
    ward.retry(created).await.unwrap();
    until_done(ana.client(), ward.id(), created, SOON).await;
    ward.retry(message.into()).await.unwrap();
    until_text(ben.client(), ward.id(), "hello", SOON).await;
    until_delivery(
        ana.client(),
        ward.id(),
        message,
        DeliveryState::Delivered { by: 1, of: 1 },
        SOON,
    )
    .await;
    assert_eq!(texts(&ben.client().conversation(ward.id())).await.unwrap(), ["hello"]);
    ana.close().await.unwrap();
    ben.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_2_delivery_is_counted_by_people_who_were_there() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let (ana, ben, carol) = tokio::join!(
        Person::online(&relay, "ana"),
        Person::online(&relay, "ben"),
        Person::online(&relay, "carol")
    );
    let (ana, ben, carol) = (ana.unwrap(), ben.unwrap(), carol.unwrap());
    let dave = Person::online(&relay, "dave").await.unwrap();
    ana.cable().cut();
    let users = [ben.user().await, carol.user().await];
    let (ward, _) = ana.client().create_conversation(&users).await.unwrap();
    let id = ward.id();
    let message = send(&ana, id, "for two").await;
    assert_eq!(ward.delivery(message).await.unwrap(), DeliveryState::Queued);
    carol.client().stop().await;
    ben.client().stop().await;
    ana.cable().restore();
    until_delivery(ana.client(), id, message, DeliveryState::Sent, SOON).await;
    ben.client().start().await.unwrap();
    until_delivery(
        ana.client(),
        id,
        message,
        DeliveryState::Delivered { by: 1, of: 2 },
        SOON,
    )
    .await;
    // Whoever comes later was not meant, whoever goes later was.
    let added = ward.add(&[dave.user().await]).await.unwrap();
    until_done(ana.client(), id, added, SOON).await;
    let second = send(&ana, id, "for three").await;
    until_delivery(
        ana.client(),
        id,
        second,
        DeliveryState::Delivered { by: 2, of: 3 },
        SOON,
    )
    .await;
    assert_eq!(
        ward.delivery(message).await.unwrap(),
        DeliveryState::Delivered { by: 1, of: 2 }
    );
    let removed = ward.remove(&[ben.user().await]).await.unwrap();
    until_done(ana.client(), id, removed, SOON).await;
    assert_eq!(
        ward.delivery(second).await.unwrap(),
        DeliveryState::Delivered { by: 2, of: 3 }
    );
    carol.client().start().await.unwrap();
    until_delivery(
        ana.client(),
        id,
        message,
        DeliveryState::Delivered { by: 2, of: 2 },
        SOON,
    )
    .await;
    until_delivery(
        ana.client(),
        id,
        second,
        DeliveryState::Delivered { by: 3, of: 3 },
        SOON,
    )
    .await;
    let third = send(&ana, id, "for two again").await;
    until_delivery(ana.client(), id, third, DeliveryState::Delivered { by: 2, of: 2 }, SOON).await;
    // Of others' messages there is nothing to say.
    until_text(dave.client(), id, "for two again", SOON).await;
    let theirs = dave.client().conversation(id);
    assert_eq!(code(theirs.delivery(third).await), ErrorCode::UNKNOWN);
    for person in [ana, ben, carol, dave] {
        person.close().await.unwrap();
    }
}
