#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, oneshot};

use super::*;
use crate::testing::{cancelled_after, wait};

#[test]
fn a_change_finishes_though_its_caller_has_gone() {
    let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (finished, outcome) = oneshot::channel();
    let (entering, waiting) = (Arc::clone(&entered), Arc::clone(&go_on));
    let done = cancelled_after(
        1,
        change::<_, CuroError>(async move {
            entering.notify_one();
            waiting.notified().await;
            finished.send(()).unwrap();
            Ok(())
        }),
    );
    assert!(!done);
    runtime().unwrap().block_on(entered.notified());
    go_on.notify_one();
    runtime().unwrap().block_on(outcome).unwrap();
}

#[test]
fn a_read_ends_when_its_caller_goes_away() {
    struct Tells(Option<oneshot::Sender<()>>);
    impl Drop for Tells {
        fn drop(&mut self) {
            let _ = self.0.take().unwrap().send(());
        }
    }
    let (dropped, ended) = oneshot::channel();
    let tells = Tells(Some(dropped));
    let done = cancelled_after(
        1,
        read::<(), CuroError>(async move {
            let _tells = tells;
            std::future::pending().await
        }),
    );
    assert!(!done);
    runtime().unwrap().block_on(ended).unwrap();
}

#[test]
fn panics_come_as_internal_without_their_text() {
    let bodies: [fn() -> Result<()>; 4] = [
        || contained(|| panic!("CANARY")),
        || wait(read::<(), CuroError>(async { panic!("CANARY") })),
        || wait(change::<(), CuroError>(async { panic!("CANARY") })),
        || wait(crate::provoke_panic(true)),
    ];
    for body in bodies {
        let error = body().unwrap_err();
        assert_eq!(error, CuroError::internal());
        assert!(!format!("{error} {error:?}").contains("CANARY"));
    }
    assert_eq!(wait(crate::provoke_panic(false)).unwrap_err(), CuroError::internal());
}

#[test]
fn a_panic_whose_value_panics_at_its_end_is_contained_too() {
    struct Worse(Arc<AtomicBool>);
    impl Drop for Worse {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
            panic!("CANARY");
        }
    }
    let ended = Arc::new(AtomicBool::new(false));
    let worse = Worse(Arc::clone(&ended));
    let error = contained::<()>(|| std::panic::panic_any(worse)).unwrap_err();
    assert_eq!(error, CuroError::internal());
    assert!(ended.load(Ordering::SeqCst));
}

#[test]
fn the_number_of_threads_cannot_be_changed_once_they_run() {
    runtime().unwrap();
    configure_runtime(RuntimeProfile::App).unwrap();
    let refused = configure_runtime(RuntimeProfile::Extension).unwrap_err();
    assert_eq!(refused, CuroError::new(&ErrorCode::BUSY));
}

#[test]
fn an_extensions_runtime_runs_with_one_worker() {
    let small = start(RuntimeProfile::Extension).unwrap();
    assert_eq!(small.metrics().num_workers(), 1);
    assert_eq!(small.block_on(async { tokio::spawn(async { 7 }).await.unwrap() }), 7);
}
