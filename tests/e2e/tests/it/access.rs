//! The access context: what an app says about why it asks rides on the handle, is durable with the intent, and reaches the
//! relay with what is administered there (design section 7).

use std::sync::{Arc, Mutex};

use curo::{AccessContext, Disclosure, ErrorCode, IntentStatus, PurposeOfUse};
use curo_kit::{Person, TestRelay, until_live};

use crate::mitm::Victim;
use crate::team::{until_holds, until_sent};
use crate::{SOON, logs};

/// The last part of a path, and why it was called.
type Seen = (String, Option<AccessContext>);

fn emergency() -> AccessContext {
    AccessContext {
        role: Some("physician".into()),
        reason_code: Some("unconscious".into()),
        disclosure: Some(Disclosure {
            recipient: "Dr. Grey".into(),
            address: None,
            description: "all of it".into(),
            purpose: "emergency".into(),
            accountable: false,
        }),
        ..AccessContext::purpose(PurposeOfUse::ETREAT)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_context_is_durable_and_rides_on_what_is_administered() {
    logs();
    let relay = TestRelay::start().await.unwrap();
    let ana = Victim::online(&relay, "ana").await;
    let ben = Person::online(&relay, "ben").await.unwrap();
    let cy = Person::online(&relay, "cy").await.unwrap();
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let noted = Arc::clone(&seen);
    ana.mitm.before_relay(move |call| {
        let administers = call.is("=/v1/conversations") || call.is("/commits");
        if administers {
            let last = call.path.rsplit('/').next().unwrap().to_owned();
            noted.lock().unwrap().push((last, call.context().access().unwrap()));
        }
        None
    });

    // As treatment, which is the default: nothing is said.
    let (care, created) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
    assert_eq!(care.access(), None);
    until_holds(&ana.person, "created".into(), async || {
        care.intent(created).await.unwrap() == IntentStatus::Done
    })
    .await;
    // What is queued while nothing can be sent keeps its context.
    ana.client().stop().await;
    let urgent = ana.client().with_access(emergency()).unwrap().conversation(care.id());
    assert_eq!(urgent.access(), Some(&emergency()));
    let added = urgent.add(&[cy.user().await]).await.unwrap();
    care.renew_keys().await.unwrap();
    ana.client().start().await.unwrap();
    until_live(ana.client(), SOON).await;
    until_sent(&ana.person).await;
    assert_eq!(urgent.intent(added).await.unwrap(), IntentStatus::Done);
    let open = AccessContext {
        disclosure: None,
        ..emergency()
    };
    let expected = [
        ("conversations".to_owned(), None),
        // Renewing keys precedes what is queued (rule 4.7).
        ("commits".to_owned(), None),
        ("commits".to_owned(), Some(open)),
    ];
    assert_eq!(
        *seen.lock().unwrap(),
        expected,
        "and the disclosure stays on the device"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_context_outside_its_limits_is_refused_at_once() {
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::online(&relay, "ana").await.unwrap();
    for context in [
        AccessContext {
            role: Some(String::new()),
            ..AccessContext::default()
        },
        AccessContext {
            reason_code: Some("x".repeat(65)),
            ..AccessContext::default()
        },
    ] {
        let refused = ana.client().with_access(context).err().unwrap();
        assert_eq!(refused.code(), &ErrorCode::INVALID_ARGUMENT);
    }
}
