//! How fast one user may ask, and all users of a tenant together: a bucket of requests and one of bytes for each, refilled as
//! time passes.
//!
//! In memory, of this process, and lost with it. What a user must not do more often than by the hour or day is counted by the
//! storage. Time is an argument.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use curo_types::{Digest, TenantId};

use crate::auth::Subject;

/// Seconds of its rate that a bucket holds: a client that comes back has much to tell at once.
const BURST_SECONDS: u64 = 10;
/// Buckets that are looked through for full ones before there may be more.
const FIRST_TIDY: usize = 1024;

/// What a user, or a tenant, may do in a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) requests: u32,
    pub(crate) bytes: u64,
}

/// Who pays. The subject itself is not kept.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Payer {
    tenant: TenantId,
    subject: Digest,
}

/// Whose bucket.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Owner {
    User(Payer),
    Tenant(TenantId),
}

/// The buckets of one relay.
pub(crate) struct Rates {
    of_user: Rate,
    of_tenant: Rate,
    inner: Mutex<Inner>,
}

struct Inner {
    buckets: HashMap<Owner, Bucket>,
    tidy_at: usize,
}

/// Thousandths of a request and of a byte, so that whole milliseconds fill exactly. Below zero is a debt.
#[derive(Clone, Copy)]
struct Bucket {
    requests: i64,
    bytes: i64,
    at_ms: u64,
}

impl Payer {
    pub(crate) fn new(tenant: &TenantId, subject: &Subject) -> Self {
        Self {
            tenant: tenant.clone(),
            subject: Digest::of(subject.0.as_bytes()),
        }
    }
}

impl Rates {
    pub(crate) fn new(of_user: Rate, of_tenant: Rate) -> Self {
        let inner = Inner {
            buckets: HashMap::new(),
            tidy_at: FIRST_TIDY,
        };
        Self {
            of_user,
            of_tenant,
            inner: Mutex::new(inner),
        }
    }

    /// Takes a request and the bytes that it announces, of the user and of the tenant. One that is larger than what is left
    /// is let through and leaves a debt: otherwise a request larger than the bucket could never come.
    ///
    /// # Errors
    /// Milliseconds to wait. Nothing was taken then: who waits does not use up what others of the tenant may do.
    pub(crate) fn enter(&self, payer: &Payer, bytes: u64, now_ms: u64) -> Result<(), u64> {
        let mut inner = self.lock();
        inner.tidy(self, now_ms);
        let owners = self.owners(payer);
        let waits = owners
            .iter()
            .map(|(owner, rate)| inner.filled(owner, *rate, now_ms).wait(*rate));
        let wait = waits.max().unwrap_or_default();
        if wait > 0 {
            return Err(wait);
        }
        for (owner, rate) in &owners {
            let bucket = inner.filled(owner, *rate, now_ms);
            bucket.requests -= 1000;
            bucket.take(bytes);
        }
        Ok(())
    }

    /// Takes bytes that were not announced.
    pub(crate) fn charge(&self, payer: &Payer, bytes: u64, now_ms: u64) {
        let mut inner = self.lock();
        for (owner, rate) in &self.owners(payer) {
            inner.filled(owner, *rate, now_ms).take(bytes);
        }
    }

    fn owners(&self, payer: &Payer) -> [(Owner, Rate); 2] {
        [
            (Owner::User(payer.clone()), self.of_user),
            (Owner::Tenant(payer.tenant.clone()), self.of_tenant),
        ]
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Forgets full buckets: one says no more than none.
    fn tidy(&mut self, rates: &Rates, now_ms: u64) {
        if self.buckets.len() < self.tidy_at {
            return;
        }
        self.buckets.retain(|owner, bucket| {
            let rate = match owner {
                Owner::User(_) => rates.of_user,
                Owner::Tenant(_) => rates.of_tenant,
            };
            bucket.fill(rate, now_ms);
            bucket.requests < most(u64::from(rate.requests)) || bucket.bytes < most(rate.bytes)
        });
        self.tidy_at = (self.buckets.len() * 2).max(FIRST_TIDY);
    }

    fn filled(&mut self, owner: &Owner, rate: Rate, now_ms: u64) -> &mut Bucket {
        let bucket = self.buckets.entry(owner.clone()).or_insert(Bucket {
            requests: most(u64::from(rate.requests)),
            bytes: most(rate.bytes),
            at_ms: now_ms,
        });
        bucket.fill(rate, now_ms);
        bucket
    }
}

impl Bucket {
    fn fill(&mut self, rate: Rate, now_ms: u64) {
        let passed = now_ms.saturating_sub(self.at_ms);
        // A clock that was set back starts anew from where it is.
        self.at_ms = now_ms;
        let fill = |level: i64, rate: u64| {
            let more = i64::try_from(passed.saturating_mul(rate)).unwrap_or(i64::MAX);
            level.saturating_add(more).min(most(rate))
        };
        self.requests = fill(self.requests, u64::from(rate.requests));
        self.bytes = fill(self.bytes, rate.bytes);
    }

    /// Milliseconds until it gives one request and any byte; 0 if it does now.
    fn wait(&self, rate: Rate) -> u64 {
        if self.requests >= 1000 && self.bytes > 0 {
            return 0;
        }
        let wait = |missing: i64, rate: u64| u64::try_from(missing).unwrap_or(0).div_ceil(rate);
        let requests = wait(1000 - self.requests, u64::from(rate.requests));
        let bytes = wait(1 - self.bytes, rate.bytes);
        requests.max(bytes).max(1)
    }

    fn take(&mut self, bytes: u64) {
        let thousandths = i64::try_from(bytes.saturating_mul(1000)).unwrap_or(i64::MAX);
        self.bytes = self.bytes.saturating_sub(thousandths);
    }
}

/// A full bucket.
fn most(rate: u64) -> i64 {
    i64::try_from(rate.saturating_mul(1000 * BURST_SECONDS)).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn payer(n: usize) -> Payer {
        Payer::new(&TenantId::new("st-mary").unwrap(), &Subject(n.to_string()))
    }

    fn rates() -> Rates {
        let of_user = Rate {
            requests: 2,
            bytes: 1000,
        };
        let of_tenant = Rate {
            requests: 1_000_000,
            bytes: u64::MAX / 1_000_000,
        };
        Rates::new(of_user, of_tenant)
    }

    #[test]
    fn all_users_of_a_tenant_share_its_rate_and_other_tenants_do_not() {
        let of_user = Rate {
            requests: 2,
            bytes: 1000,
        };
        let of_tenant = Rate {
            requests: 3,
            bytes: 2000,
        };
        let rates = Rates::new(of_user, of_tenant);
        for n in 0..30 {
            rates.enter(&payer(n % 2), 0, 0).unwrap();
        }
        assert_eq!(rates.enter(&payer(7), 0, 0), Err(334), "somebody who never asked");
        let luke = Payer::new(&TenantId::new("st-luke").unwrap(), &Subject("7".into()));
        rates.enter(&luke, 0, 0).unwrap();
        rates.enter(&payer(7), 0, 334).unwrap();
        // Whoever is over the own rate takes nothing of the tenant's.
        for _ in 0..20 {
            rates.enter(&luke, 0, 10_000).unwrap();
        }
        let other = Payer::new(&TenantId::new("st-luke").unwrap(), &Subject("8".into()));
        for _ in 0..100 {
            assert!(rates.enter(&luke, 0, 10_000).is_err());
        }
        rates.enter(&other, 30_000, 10_000).unwrap();
        let third = Payer::new(&TenantId::new("st-luke").unwrap(), &Subject("9".into()));
        assert_eq!(rates.enter(&third, 0, 10_000), Err(5001), "and bytes are owed together");
    }

    #[test]
    fn a_burst_then_the_rate_and_each_user_alone() {
        let rates = rates();
        for _ in 0..20 {
            rates.enter(&payer(1), 0, 5000).unwrap();
        }
        assert_eq!(rates.enter(&payer(1), 0, 5000), Err(500));
        assert_eq!(rates.enter(&payer(1), 0, 5400), Err(100));
        assert_eq!(rates.enter(&payer(2), 0, 5400), Ok(()));
        assert_eq!(rates.enter(&payer(1), 0, 5500), Ok(()));
        assert_eq!(rates.enter(&payer(1), 0, 5500), Err(500));
        assert_eq!(
            rates.enter(&payer(1), 0, 4000),
            Err(500),
            "a clock set back gives nothing"
        );
    }

    #[test]
    fn bytes_may_be_owed_and_are_paid_back_first() {
        let rates = rates();
        rates.enter(&payer(1), 12_000, 0).unwrap();
        assert_eq!(rates.enter(&payer(1), 0, 0), Err(2001));
        assert_eq!(rates.enter(&payer(1), 0, 2001), Ok(()));
        rates.charge(&payer(1), 1000, 2001);
        assert_eq!(
            rates.enter(&payer(1), 0, 2001),
            Err(1000),
            "what was not announced counts too"
        );
        rates.enter(&payer(3), u64::MAX, 0).unwrap();
        assert!(rates.enter(&payer(3), 0, 1_000_000).is_err());
    }

    #[test]
    fn full_buckets_are_forgotten() {
        let rates = rates();
        for n in 0..10 * FIRST_TIDY {
            rates.enter(&payer(n), 1, u64::try_from(n).unwrap() * 1000).unwrap();
        }
        assert!(rates.lock().buckets.len() <= FIRST_TIDY);
    }
}
