//! What a request holds while it is worked on: its place among all requests, and one among its caller's.
//!
//! Both are held by whatever works for the request: a task that goes on after the caller has hung up, and a large answer until
//! it was taken. So a caller that resets its requests gains nothing by it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use curo_types::{DeviceId, ErrorCode, TenantId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Reject;
use crate::rate::Payer;

/// Requests that are worked on at a time. Each may hold a body of 8 MiB, so memory is what this bounds.
const REQUESTS_IN_FLIGHT: usize = 256;
/// Of one device, or of one user before a device is known.
const PER_CALLER: usize = 8;

tokio::task_local! {
    /// Of the request that the task works for.
    static HELD: Arc<Held>;
}

/// Who has a share of the places.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum CallerKey {
    /// While only the token was read.
    User(Payer),
    Device(TenantId, DeviceId),
}

type Counts = Arc<Mutex<HashMap<CallerKey, usize>>>;

/// All places.
#[derive(Clone)]
pub(super) struct InFlight {
    places: Arc<Semaphore>,
    callers: Counts,
}

/// What one request holds.
pub(super) struct Held {
    _place: OwnedSemaphorePermit,
    callers: Counts,
    turn: Mutex<Option<Turn>>,
}

/// A place among those of one caller.
struct Turn {
    callers: Counts,
    key: CallerKey,
}

impl InFlight {
    pub(super) fn new() -> Self {
        Self {
            places: Arc::new(Semaphore::new(REQUESTS_IN_FLIGHT)),
            callers: Counts::default(),
        }
    }

    /// Waits for a place. `None` only if there are no places any more.
    pub(super) async fn enter(&self) -> Option<Arc<Held>> {
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        Some(Arc::new(Held {
            _place: place,
            callers: self.callers.clone(),
            turn: Mutex::new(None),
        }))
    }
}

impl Held {
    /// Runs the work of the request.
    pub(super) async fn scope<T>(self: Arc<Self>, work: impl Future<Output = T>) -> T {
        HELD.scope(self, work).await
    }

    fn take_turn(&self, key: CallerKey) -> Result<(), Reject> {
        let mut counts = lock(&self.callers);
        let count = counts.entry(key.clone()).or_insert(0);
        if *count >= PER_CALLER {
            return Err(Reject::retry_after(ErrorCode::RATE_LIMITED, 1_000));
        }
        *count += 1;
        drop(counts);
        let turn = Turn {
            callers: self.callers.clone(),
            key,
        };
        // The one before, of the user, is given back.
        drop(lock(&self.turn).replace(turn));
        Ok(())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut counts = lock(&self.callers);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the running request holds, for work that may outlast it.
pub(super) fn current() -> Option<Arc<Held>> {
    HELD.try_with(Arc::clone).ok()
}

/// Takes a place among those of the caller, for as long as the running request is worked on.
///
/// # Errors
/// `rate_limited` if the caller has too many.
pub(super) fn take_turn(key: CallerKey) -> Result<(), Reject> {
    current().map_or(Ok(()), |held| held.take_turn(key))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn device(n: u8) -> CallerKey {
        CallerKey::Device(TenantId::new("st-mary").unwrap(), DeviceId([n; 16]))
    }

    #[tokio::test]
    async fn a_caller_has_so_many_places_and_gets_them_back() {
        let in_flight = InFlight::new();
        let mut held = Vec::new();
        for _ in 0..PER_CALLER {
            let one = in_flight.enter().await.unwrap();
            one.take_turn(device(1)).unwrap();
            held.push(one);
        }
        let more = in_flight.enter().await.unwrap();
        assert_eq!(
            more.take_turn(device(1)).unwrap_err().into_code(),
            ErrorCode::RATE_LIMITED
        );
        more.take_turn(device(2)).unwrap();
        // What still works for a request keeps its place after the request itself is gone.
        let detached = held[0].clone().scope(async { current().unwrap() }).await;
        held.remove(0);
        assert!(more.take_turn(device(1)).is_err());
        drop(detached);
        more.take_turn(device(1)).unwrap();
        drop((held, more));
        assert!(lock(&in_flight.callers).is_empty());
        assert_eq!(in_flight.places.available_permits(), REQUESTS_IN_FLIGHT);
    }
}
