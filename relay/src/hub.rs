//! Who waits for news: the live streams of this process, by device.
//!
//! A wake carries nothing. Each stream reads the store from its own token, so wakes coalesce, may be spurious, and a lost
//! one costs a heartbeat (protocol 5.2). Bounded: so many streams a device (the newest win), so many in all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use curo_types::{DeviceId, TenantId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

type Key = (TenantId, DeviceId);

/// The streams of this process.
pub(crate) struct Hub {
    inner: Mutex<Inner>,
    /// Cancelled when the relay stops.
    stopping: CancellationToken,
    per_device: usize,
    in_all: usize,
}

#[derive(Default)]
struct Inner {
    streams: HashMap<Key, Vec<Arc<Waiter>>>,
    count: usize,
}

#[derive(Default)]
struct Waiter {
    wake: Notify,
    ended: CancellationToken,
}

/// One stream's place in the hub; leaving it is dropping it.
pub(crate) struct Subscription {
    hub: Arc<Hub>,
    key: Key,
    waiter: Arc<Waiter>,
}

impl Hub {
    pub(crate) fn new(per_device: usize, in_all: usize) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::default(),
            stopping: CancellationToken::new(),
            per_device,
            in_all,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a stream of a device; it is woken from now on, and takes an older one's place only once it is
    /// [`confirmed`](Subscription::confirm). `None` if the relay has too many.
    pub(crate) fn subscribe(self: &Arc<Self>, tenant: TenantId, device: DeviceId) -> Option<Subscription> {
        let key = (tenant, device);
        let waiter = Arc::new(Waiter::default());
        let mut guard = self.lock();
        let inner = &mut *guard;
        // One that will take another's place adds none for long.
        let replaces = inner.streams.get(&key).is_some_and(|own| own.len() >= self.per_device);
        if !replaces && inner.count >= self.in_all {
            return None;
        }
        inner.count += 1;
        inner.streams.entry(key.clone()).or_default().push(waiter.clone());
        drop(guard);
        Some(Subscription {
            hub: self.clone(),
            key,
            waiter,
        })
    }

    /// Tells the streams of these devices that there is something to read.
    pub(crate) fn wake(&self, tenant: &TenantId, devices: impl IntoIterator<Item = DeviceId>) {
        let inner = self.lock();
        for device in devices {
            // The tuple owns a tenant; cloning it is cheaper than a second map.
            for waiter in inner.streams.get(&(tenant.clone(), device)).into_iter().flatten() {
                waiter.wake.notify_one();
            }
        }
    }

    /// Whether a device has a live stream here.
    pub(crate) fn is_live(&self, tenant: &TenantId, device: DeviceId) -> bool {
        self.lock().streams.contains_key(&(tenant.clone(), device))
    }

    /// Ends all streams, those that come later too.
    pub(crate) fn stop(&self) {
        self.stopping.cancel();
    }

    /// Resolves when the relay stops.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Open streams.
    pub(crate) fn count(&self) -> usize {
        self.lock().count
    }
}

impl Subscription {
    /// The stream begins: the device's oldest end if there are too many.
    pub(crate) fn confirm(&self) {
        let mut guard = self.hub.lock();
        let inner = &mut *guard;
        let Some(own) = inner.streams.get_mut(&self.key) else {
            return;
        };
        while own.len() > self.hub.per_device {
            own.remove(0).ended.cancel();
            inner.count -= 1;
        }
    }

    /// Waits for a wake; one that came since the last wait counts.
    pub(crate) async fn woken(&self) {
        self.waiter.wake.notified().await;
    }

    /// Waits until a newer stream of the device has taken this one's place.
    pub(crate) async fn replaced(&self) {
        self.waiter.ended.cancelled().await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut inner = self.hub.lock();
        let Entry::Occupied(mut own) = inner.streams.entry(self.key.clone()) else {
            return;
        };
        let before = own.get().len();
        own.get_mut().retain(|waiter| !Arc::ptr_eq(waiter, &self.waiter));
        // A replaced stream has given its place away already.
        let left = before - own.get().len();
        if own.get().is_empty() {
            own.remove();
        }
        inner.count -= left;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn tenant() -> TenantId {
        TenantId::new("st-mary").unwrap()
    }

    #[tokio::test]
    async fn p5_1_wakes_coalesce_and_reach_only_the_named_devices() {
        let hub = Hub::new(2, 10);
        let (a, b) = (DeviceId([1; 16]), DeviceId([2; 16]));
        let stream_a = hub.subscribe(tenant(), a).unwrap();
        let stream_b = hub.subscribe(tenant(), b).unwrap();
        hub.wake(&tenant(), [a, a]);
        hub.wake(&TenantId::new("st-luke").unwrap(), [b]);
        stream_a.woken().await;
        assert!(
            futures_util::FutureExt::now_or_never(stream_a.woken()).is_none(),
            "two wakes are one"
        );
        assert!(
            futures_util::FutureExt::now_or_never(stream_b.woken()).is_none(),
            "not woken"
        );
    }

    #[tokio::test]
    async fn streams_are_bounded_and_the_newest_of_a_device_win() {
        let hub = Hub::new(2, 3);
        let (a, b) = (DeviceId([1; 16]), DeviceId([2; 16]));
        let first = hub.subscribe(tenant(), a).unwrap();
        let _second = hub.subscribe(tenant(), a).unwrap();
        let _other = hub.subscribe(tenant(), b).unwrap();
        assert!(
            hub.subscribe(tenant(), DeviceId([3; 16])).is_none(),
            "the relay is full"
        );
        let refused = hub.subscribe(tenant(), a).unwrap();
        drop(refused);
        assert!(
            futures_util::FutureExt::now_or_never(first.replaced()).is_none(),
            "one that never begins takes nobody's place"
        );
        let third = hub.subscribe(tenant(), a).unwrap();
        third.confirm();
        first.replaced().await;
        assert_eq!(hub.count(), 3);
        drop(first);
        assert_eq!(hub.count(), 3, "a replaced stream's place was taken, not freed");
        drop(third);
        assert_eq!(hub.count(), 2);
        assert!(hub.subscribe(tenant(), DeviceId([3; 16])).is_some());
    }
}
